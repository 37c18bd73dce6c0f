"""A certificate of the bench's own, and the browser flag that trusts only this one.

It is trusted by its key, not by ignoring errors: Chromium does not cache responses with a certificate error.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files, and the SHA-256 of the public key."""

    cert: Path
    key: Path
    fingerprint: str

    @property
    def server_args(self) -> tuple[str, ...]:
        """Return arguments of `pyvidu serve`."""
        return ("--tls-cert", str(self.cert), "--tls-key", str(self.key))

    @property
    def browser_args(self) -> tuple[str, ...]:
        """Return flags of Chromium with which https, wss and the camera work as with a certificate from an authority."""
        return (f"--ignore-certificate-errors-spki-list={self.fingerprint}",)


def self_signed(folder: Path, address: str) -> Certificate:
    """Return a certificate for one address, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pyvidu bench")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(folder / "cert.pem", folder / "key.pem", _fingerprint(key.public_key()))
    paths.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def _fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()
