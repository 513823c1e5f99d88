"""Enrolment requests for fuzz_enrollment: forms with everything, slips, and signing requests that openssl made."""
import base64

# P-256, subjectAltName email:alice@demo.example; made by `openssl req -new`.
CSR = base64.b64decode(
    "MIHsMIGSAgEAMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATW4ZtQpQ8iA41msIszYWCjQTc1Qmp+XxIMsfcAUCTjsjb7ZA+K"
    "lAiKyOK50GZ5NuSmgMnZyR4uDnpK/+Yf8rzuoDAwLgYJKoZIhvcNAQkOMSEwHzAdBgNVHREEFjAUgRJhbGljZUBkZW1vLmV4YW1w"
    "bGUwCgYIKoZIzj0EAwIDSQAwRgIhANnXiFxT5bK5+hp8YyUiJu1YKgOEkv/nYQIfypAuyFDGAiEA6BbpdI3FlbcQ0BxKzSoHvOG4"
    "57Pkf96qNJhhG1O6fu0=")


def part(name, content, more=b""):
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n%s\r\n%s\r\n' % (name, more, content)


def request(body, content_type=b"multipart/form-data; boundary=b"):
    return bytes([len(content_type)]) + content_type + body


def requests():
    """Name and bytes of each."""
    account = part(b"username", b"alice") + part(b"password", b"wonderland")
    csr = part(b"csr", CSR, b"Content-Type: application/pkcs10\r\n")
    yield "whole", request(account + part(b"nodeids", b"2") + part(b"device", b"phone") + csr + b"--b--\r\n")
    yield "quoted", request(b"preamble\r\n" + csr + b"--b--", b'Multipart/form-data; x="y;z"; boundary="b"')
    yield "no_end", request(account + csr)
    yield "twice", request(csr + csr + b"--b--")
    yield "encoded", request(part(b"csr", b"MII=", b"Content-Transfer-Encoding: base64\r\n") + b"--b--")
    yield "csr", CSR
