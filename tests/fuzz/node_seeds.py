"""Programs for fuzz_node: see node.cpp for what each byte chooses."""

LINK_UP, RAW, REQUEST, ANSWER, DOWN, ADVANCE, CALL, JOB, SERVE, REPEAT, OPEN, SPECIAL, ACK = 0, 1, 2, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15
CODES = ("ping", "probe", "attach", "app_attach", "join", "leave", "update", "route_query", "store", "fetch", "stat",
         "find", "exp", "config")
PEERS = range(1, 8)
FIRST, JOINING, CLIENT, HOLDS_CRYPTO, SMALL, HAS_BOOTSTRAP, ALONE = 0, 1, 7, 8, 16, 32, 64
SIP, TURN, BY_NODE, BY_USER, PRIVATE = range(5)
OF_USER, OF_NODE, AT_NODE = range(3)


def request(link, code, body=(), shape=0, to=(0,)):
    return [REQUEST, link, 0, CODES.index(code), shape, *to, *body]


def text(words):
    return [len(words), *words.encode()]


def value(who, kind, words="sip:a@b"):
    place = {SIP: [who], TURN: [], BY_NODE: [0], BY_USER: [0], PRIVATE: [1]}[kind]
    return [0, 0, *text(words), *place] if kind != TURN else [0, 0, *text(words)]


def store(who, kind, resource, shape=0, replica=0):
    return request(who - 1, "store", [resource, who, replica, 0, kind, 0, 1, *value(who, kind)], shape)


def fetch(who, kind, resource, code="fetch"):
    keys = [0] if kind in (SIP, BY_NODE, BY_USER, PRIVATE) else []
    return request(who - 1, code, [resource, who, 0, kind, 0, *keys])


def programs():
    """Name and bytes of each."""
    full = [FIRST, 1]
    for who in PEERS:
        for kind, resource in ((SIP, OF_USER), (BY_USER, OF_USER), (BY_NODE, OF_NODE), (PRIVATE, OF_NODE)):
            yield f"store{who}_{kind}", (full + store(who, kind, resource) + [SERVE] + fetch(who, kind, resource)
                                         + fetch(who, kind, resource, "stat") + [ADVANCE, 4, SERVE])
    alone = [ALONE, 1]
    for who in PEERS:  # the node is in charge of everything
        yield f"alone{who}", (alone + [LINK_UP, who, 0]
                              + [REQUEST, 0, 0, CODES.index("store"), 0, 0, OF_USER, who, 0, 0, SIP, 0, 1, *value(who, SIP)]
                              + [REQUEST, 0, 0, CODES.index("store"), 0, 0, OF_NODE, who, 0, 0, BY_NODE, 0, 1,
                                 *value(who, BY_NODE)]
                              + [REQUEST, 0, 0, CODES.index("join"), 0, 0, 0, 0] + [SERVE, ADVANCE, 2, SERVE, ADVANCE, 5])
    for shape in range(16):
        yield f"shape{shape}", full + request(2, "ping", text("abc"), shape) + [0] * 8 + [SERVE, REPEAT, 2]
        yield f"store_shape{shape}", full + store(3, SIP, OF_USER, shape) + [0] * 6
    for code in CODES:
        yield f"request_{code}", full + request(1, code, [0] * 6) + [SERVE, ADVANCE, 2]
        yield f"forward_{code}", full + request(1, code, [0] * 6, 0, (4, 4)) + [SERVE, ADVANCE, 2]
    for document in range(0, 32):
        yield f"config{document}", full + request(3, "config", [document, 0]) + [ADVANCE, 2, SERVE] + request(1, "ping", text(""))
    yield "joining", [JOINING | ALONE, 1] + [SERVE] * 4 + [ADVANCE, 2, SERVE, SERVE, ADVANCE, 3, SERVE, ADVANCE, 5, SERVE]
    yield "client", [CLIENT | ALONE, 1] + [SERVE] * 4 + [ADVANCE, 2, SERVE, CALL, 3, 0, SERVE, CALL, 1, 0, 1, 0, 0, 0, SERVE]
    yield "partition", [HAS_BOOTSTRAP, 1, SERVE, ADVANCE, 7, SERVE, ADVANCE, 7, SERVE, DOWN, 0, DOWN, 0, ADVANCE, 7, SERVE]
    yield "crypto", [HOLDS_CRYPTO, 1] + [JOB, 3, JOB, 1, JOB, 0] * 8 + store(2, SIP, OF_USER) + [JOB, 1, JOB, 0] * 3 + [DOWN, 1, JOB, 0]
    yield "leaving", full + [SERVE, SPECIAL, 1, SERVE, ADVANCE, 2, SERVE, ADVANCE, 5]
    yield "lost", full + [SERVE, DOWN, 0, DOWN, 0, ADVANCE, 2, SERVE, ADVANCE, 4, SERVE]
    yield "pipe", (full + [SPECIAL, 0] + request(2, "app_attach", [0, 0, 0]) + [OPEN, 0, 0, SPECIAL, 2, 7, *text("hi"), SPECIAL, 3, 7]
                   + [CALL, 2, 4, 3, SERVE, LINK_UP, 3, 7, RAW, 7, *text("hello"), ACK, 1])
    for call in range(6):
        yield f"call{call}", full + [SERVE, CALL, call, 0, 13, 0, 0, 0, *text("x"), 13, SERVE, ANSWER, 0, 0, 0, 0, ADVANCE, 4]
    for how in range(16):
        yield f"answer{how}", full + [CALL, 3, 4, 4, ANSWER, how, 255, 0, 0, CALL, 1, 0, 4, 0, 0, 0, ANSWER, how, 255, 1, 1, 0, 0]
    yield "raw", full + [RAW, 0, *text("\x80\0\0\0\0\0\0\x0a"), RAW, 1, *text("\x81\0\0\0\0\0\0\0\0"), RAW, 2, *text("abc")]
    for who in range(14):
        yield f"link{who}", [SMALL, 1, LINK_UP, who, 0, LINK_UP, who, 7, ADVANCE, 5]
