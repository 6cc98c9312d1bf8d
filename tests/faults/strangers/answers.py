"""What came back on a connection, as bytes: the statuses of HTTP/1 and of HTTP/2."""

import re

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_FRAME_HEAD_BYTES = 9
_HEADERS, _PADDED_OR_PRIORITY = 1, 0x28
_INDEXED = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}  # RFC 7541, appendix A
_HUFFMAN = dict(zip(("00000", "00001", "00010", *(f"{code:06b}" for code in range(25, 32))), "0123456789", strict=True))


def statuses_from_answer(answer: bytes) -> tuple[int, ...]:
    """Return the statuses of all answers that are there, in their order."""
    if answer.startswith(b"HTTP/"):
        return tuple(int(status) for status in _STATUS.findall(answer))
    return tuple(_statuses_of_frames(answer))


def is_final(answer: bytes) -> bool:
    """Whether an answer has begun after which nothing needs to come; 100 (go on) is none."""
    return any(status >= 200 for status in statuses_from_answer(answer))


def _statuses_of_frames(answer: bytes) -> list[int]:
    found: list[int] = []
    at = 0
    while at + _FRAME_HEAD_BYTES <= len(answer):
        length, kind, flags = int.from_bytes(answer[at : at + 3], "big"), answer[at + 3], answer[at + 4]
        block = answer[at + _FRAME_HEAD_BYTES : at + _FRAME_HEAD_BYTES + length]
        whole = len(block) == length and block
        if kind == _HEADERS and whole and not flags & _PADDED_OR_PRIORITY:
            found.append(_status(block) or (found[-1] if found else 0))
        at += _FRAME_HEAD_BYTES + length
    return found


def _status(block: bytes) -> int:
    """Read the status, which a server says first in a block of fields; 0 where it only says: as before."""
    if block[0] & 0xE0 == 0x20:  # first the table's size changes
        more = 0 if block[0] & 0x1F < 0x1F else next(at for at, byte in enumerate(block[1:], 1) if byte < 0x80)
        block = block[more + 1 :]
    if block[0] & 0x80:
        return _INDEXED.get(block[0] & 0x7F, 0)
    length, text = block[1] & 0x7F, block[2 : 2 + (block[1] & 0x7F)]
    if not block[1] & 0x80:
        return int(text)
    bits, digits = f"{int.from_bytes(text, 'big'):0{8 * length}b}", ""
    while len(digits) < 3:
        size = 5 if bits[:5] in _HUFFMAN else 6
        digits, bits = digits + _HUFFMAN[bits[:size]], bits[size:]
    return int(digits)
