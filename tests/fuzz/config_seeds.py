"""Configuration documents for fuzz_config_document: one with everything (6940 11.1), small ones, and slips."""

NAMESPACES = ('xmlns="urn:ietf:params:xml:ns:p2p:config-base" xmlns:chord="urn:ietf:params:xml:ns:p2p:config-chord" '
              'xmlns:s="urn:ietf:params:xml:ns:p2p:config-base:sip" xmlns:x="urn:x"')
ID = "47112162e84c69ba47112162e84c69ba"
ELEMENTS = (
    "<topology-plugin> CHORD-RELOAD </topology-plugin>",
    "<node-id-length>16</node-id-length>",
    "<root-cert> YmFkIGNlcnQK </root-cert>",
    "<enrollment-server>https://a.example</enrollment-server>",
    '<self-signed-permitted digest="sha256">true</self-signed-permitted>',
    '<bootstrap-node address="192.0.2.1" port="6084"/><bootstrap-node address="2001:DB8::1"/>',
    "<turn-density>20</turn-density><clients-permitted>false</clients-permitted><no-ice>true</no-ice>",
    "<chord:chord-update-interval>400</chord:chord-update-interval>"
    "<chord:chord-ping-interval>30</chord:chord-ping-interval><chord:chord-reactive>true</chord:chord-reactive>",
    "<shared-secret>p</shared-secret><max-message-size>4000</max-message-size><initial-ttl>30</initial-ttl>",
    "<overlay-reliability-timer>3000</overlay-reliability-timer><overlay-link-protocol>TLS</overlay-link-protocol>",
    f"<configuration-signer>{ID}</configuration-signer><kind-signer>{ID}</kind-signer><bad-node>{ID}</bad-node>",
    "<x:more>y</x:more><mandatory-extension>urn:x</mandatory-extension>",
)
KINDS = (
    '<kind name="SIP-REGISTRATION"><data-model>DICTIONARY</data-model><access-control>USER-NODE-MATCH</access-control>'
    '<max-count>2</max-count><max-size>100</max-size><s:domain-restriction enable="true">'
    "<s:pattern>.*\\.example</s:pattern></s:domain-restriction></kind>",
    '<kind id="4026531841"><data-model>ARRAY</data-model><access-control>NODE-MULTIPLE</access-control>'
    "<max-count>22</max-count><max-size>4</max-size><max-node-multiple>3</max-node-multiple></kind>",
)
SIGNATURE = "<kind-signature>VGhpcw==</kind-signature>"


def document(inside, after="<signature>VGhpcw==</signature>", attributes='instance-name="a" sequence="22"'):
    return (f'<?xml version="1.0"?><overlay {NAMESPACES}><configuration {attributes}>{inside}</configuration>{after}'
            "</overlay>")


def documents():
    """Name and text of each."""
    blocks = ["<kind-block>%s%s</kind-block>" % (kind, SIGNATURE) for kind in KINDS]
    required = "<required-kinds>%s</required-kinds>" % "".join(blocks)
    everything = "".join(ELEMENTS) + required
    yield "everything", document(everything)
    yield "two", document(everything, "<configuration instance-name='b' sequence='0'/><signature>YmFk</signature>")
    yield "dated", document("", "", 'instance-name="a" sequence="1" expiration="2030-10-10T07:00:00Z"')
    for number, element in enumerate(ELEMENTS):
        yield f"element{number}", document(element, "")
    for number, block in enumerate(blocks):
        yield f"block{number}", block
        yield f"kinds{number}", document("<required-kinds>%s</required-kinds>" % block)
    yield "entity", "<!DOCTYPE overlay [<!ENTITY a 'aaaa'>]>" + document("<root-cert>&a;</root-cert>")
    yield "cdata", document("<root-cert><![CDATA[YmFk]]></root-cert><!-- note --><?do it?>")
    yield "cut", document(everything)[:-20]
    yield "spaces", document(everything).replace("<", "\n <")
