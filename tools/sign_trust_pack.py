"""Sign the national trust pack with the maintainer's key, and print what to pin in the code.

    python tools/sign_trust_pack.py --new-key KEY.pem     make an Ed25519 key (keep it off this machine)
    python tools/sign_trust_pack.py KEY.pem [FOLDER]      sign pack.json of the folder (the shipped pack by default)

The key is the maintainer's own; it says that he put the pack together, and stands for no authority. After a change of
the pack raise its version first: an older one than LEAST_VERSION in edocx.signing.trust_pack is refused.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from edocx.content import write_durably
from edocx.signing.trust_pack import CONTEXT, PACK, SIGNATURE

SHIPPED = Path(__file__).parents[1] / "src" / "edocx" / "signing" / "trust_data"


def main(arguments: list[str]) -> int:
    """Make a key, or sign; return the exit code."""
    if len(arguments) == 2 and arguments[0] == "--new-key":
        place = Path(arguments[1])
        key = Ed25519PrivateKey.generate()
        with place.open("xb") as stream:  # never over another key
            place.chmod(0o600)
            stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        print(f"pin: {_pin(key)}")
        return 0
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 2
    key = load_pem_private_key(Path(arguments[0]).read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        print("an Ed25519 key is needed")
        return 2
    folder = Path(arguments[1]) if len(arguments) == 2 else SHIPPED
    value = key.sign(CONTEXT + (folder / PACK).read_bytes())
    write_durably(folder / SIGNATURE, [base64.b64encode(value) + b"\n"])
    print(f"signed {folder / PACK}; pin: {_pin(key)}")
    return 0


def _pin(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
