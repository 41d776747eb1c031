"""Makes the keys, certificates and messages of this folder, which only tests use. Nothing here is a secret.

Run it with a Python that has Celery, msgpack and cryptography, in this folder. Signatures have a random salt, so every run
makes other bytes.
"""
import base64
import datetime
import json
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from kombu import serialization as kombu_serialization

from celery.security.certificate import Certificate
from celery.security.key import PrivateKey
from celery.security.serialization import SecureSerializer

HERE = pathlib.Path(__file__).parent


def certificate(name, serial, until, issuer=None, password=None, folder='.'):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
            .public_key(key.public_key()).serial_number(serial)
            .not_valid_before(datetime.datetime(2015, 1, 1)).not_valid_after(until).sign(key, hashes.SHA256()))
    secret = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    (HERE / folder).mkdir(exist_ok=True)
    (HERE / folder / f'{name}.pem').write_bytes(made.public_bytes(serialization.Encoding.PEM))
    if name != 'past':  # whose key no test needs
        (HERE / f'FOR-TESTS-ONLY-{name}.key').write_bytes(pem)
    return PrivateKey(pem, password), Certificate(made.public_bytes(serialization.Encoding.PEM))


def main():
    far = datetime.datetime(2115, 1, 1)
    company = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, 'DE'),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Sellerie für Tests'),
    ])
    members = {
        'alice': certificate('alice', 12345678901234567890, far, folder='store'),
        'bob': certificate('bob', 2, far, issuer=company, password=b'test', folder='store'),
        'mallory': certificate('mallory', 3, far),
        'past': certificate('past', 4, datetime.datetime(2020, 1, 1)),
    }
    task = [[2, 3], {}, {'callbacks': None, 'errbacks': None, 'chain': None, 'chord': None}]
    vectors = []
    for name, serializer, digest, data in [
        ('alice', 'json', 'sha256', task), ('alice', 'msgpack', 'sha256', task), ('alice', 'json', 'sha512', task),
        ('alice', 'msgpack', 'sha256', [[b'\x00\x01'], {}, None]), ('bob', 'json', 'sha256', task),
        ('bob', 'json', 'sha3_256', task), ('alice', 'json', 'sha512_256', task), ('mallory', 'json', 'sha256', task),
        ('past', 'json', 'sha256', task), ('alice', 'pickle', 'sha256', task),
    ]:
        key, cert = members[name]
        signed = SecureSerializer(key, cert, None, digest, serializer).serialize(data)
        content_type, encoding, body = kombu_serialization.dumps(data, serializer=serializer)
        body = body.encode() if isinstance(body, str) else body
        vectors.append({
            'by': name, 'signer': cert.get_id(), 'digest': digest, 'content_type': content_type,
            'content_encoding': encoding, 'body': base64.b64encode(body).decode(),
            'signed': signed.decode() if isinstance(signed, bytes) else signed,
        })
    (HERE / 'vectors.json').write_text(json.dumps(vectors, indent=1, ensure_ascii=False) + '\n')


if __name__ == '__main__':
    main()
