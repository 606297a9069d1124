# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Certificates of the test's own, as PEM files."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


@dataclass
class Certificate:
    """Paths of a certificate and of its key."""

    certificate: Path
    key: Path


class Authority(Certificate):
    """Signs certificates; its own one is what clients are to trust."""

    def __init__(self, directory, name="ca"):
        self.directory = Path(directory)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=None)
        files = self._write(name, self._name, self._key, DAY, lambda builder: builder.add_extension(basic, True))
        super().__init__(files.certificate, files.key)

    def issue(self, name, hosts=("localhost", "127.0.0.1"), valid=DAY):
        """A certificate for these hosts; `valid` from now on may be negative."""
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, subject, key, valid, lambda builder: builder.add_extension(names, False))

    def _write(self, name, subject, key, valid, extend):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + valid)
        )
        certificate = extend(builder).sign(self._key, hashes.SHA256())
        files = Certificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files


def _general_name(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
