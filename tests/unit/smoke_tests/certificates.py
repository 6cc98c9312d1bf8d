"""An authority of one's own, and what servers need of it, good and bad."""

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.authorities import Pair, pair

_DAYS_AGO = 10


@dataclass(frozen=True)
class Authority:
    """What signs; its certificate lies in `folder`/ca.pem."""

    folder: Path
    own: Pair

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def context(self, address: str = "127.0.0.1", *, days: int = 1) -> ssl.SSLContext:
        """What a server of this address needs; `days` below 0 are over."""
        signed = pair(address, address, by=self.own, start=_begun(), days=_DAYS_AGO + days)
        file = self.folder / f"{address}-{days}.pem"
        file.write_bytes(signed.key_pem() + signed.pem)
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        return made


def authority_in(folder: Path, name: str = "Door CA") -> Authority:
    folder.mkdir(exist_ok=True)
    made = Authority(folder, pair(name, start=_begun()))
    made.file.write_bytes(made.own.pem)
    return made


def _begun() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=_DAYS_AGO)
