#!/usr/bin/env python3
"""Verifies CapFence audit logs, written from docs/audit-format.md alone and sharing no code with CapFence.

Needs Python 3.9 or newer and nothing else; for checkpoints also the openssl command, version 3. Writes nothing beside a
log. Exit codes: 0 intact, 1 could not be read, 2 wrong usage, 3 a finding.
"""

import argparse
import base64
import binascii
import hashlib
import json
import math
import os
import pathlib
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile

FORMAT = 1
APPLICATION_ID = 0x43617046
MAX_SAFE_INTEGER = 2**53 - 1
KINDS = ("genesis", "decision", "outcome", "approval", "grant", "segment", "unlock", "policy")
COUNTED = ("decision", "outcome", "approval", "grant")
NO_PREVIOUS = "0" * 64

TABLE = b"""CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  ts TEXT NOT NULL,
  kind TEXT NOT NULL,
  agent_id TEXT,
  capability TEXT,
  environment TEXT,
  decision TEXT,
  reason TEXT,
  rule TEXT,
  outcome TEXT,
  decision_seq INTEGER
)"""
VIEW = b"""CREATE VIEW decisions (timestamp, agent_id, capability, decision, reason) AS
SELECT replace(substr(ts, 1, 19), 'T', ' '), agent_id, capability, decision, reason
FROM entries WHERE kind = 'decision' ORDER BY seq"""
SCHEMA = [(b"table", b"entries", b"entries", TABLE), (b"view", b"decisions", b"decisions", VIEW)]

TEXT_COLUMNS = (
    "hash",
    "body",
    "ts",
    "kind",
    "agent_id",
    "capability",
    "environment",
    "decision",
    "reason",
    "rule",
    "outcome",
)
DERIVED_COLUMNS = TEXT_COLUMNS[2:] + ("decision_seq",)

# Bytes that no file of a log has, and that a key's or a checkpoint's has at most.
TOO_LARGE = 2**31
MAX_NOTE = 2**20

# Problems reported at most for one log: one that was overwritten has one in every entry.
MAX_PROBLEMS = 100
# Problems told to people after the first.
MAX_FURTHER = 10


class CannotRead(Exception):
    """A file that is missing or can't be read: no verdict is possible."""


class Damaged(Exception):
    """A file that is there and is not what it should be: a finding."""


class WrongUsage(Exception):
    """The command line means nothing."""


# JSON, as RFC 8259 has it: without the constants and the limits of Python's own reader.


def number(text):
    """A JSON number as a double would hold it: an int if it is an integer that a double holds exactly, else a float."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= MAX_SAFE_INTEGER else value


def no_constant(text):
    raise ValueError(text + " is not JSON")


def read_json(text):
    """Reads JSON text. Raises ValueError when it is not JSON."""
    try:
        return json.loads(text, parse_int=number, parse_float=number, parse_constant=no_constant)
    except RecursionError:
        return read_deep_json(text)


JSON_TOKEN = re.compile(
    r"[ \t\n\r]*(?:(?P<sign>[\[\]{}:,])"
    r'|(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
    r"|(?P<scalar>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)"
    r"|(?P<end>\Z))"
)


def read_deep_json(text):
    """The same without recursion, for text that is nested more deeply than Python's reader goes."""
    root = []
    open_containers = [root]
    name = None
    expected = "value"
    position = 0
    while True:
        token = JSON_TOKEN.match(text, position)
        if token is None:
            raise ValueError("not JSON")
        position = token.end()
        container = open_containers[-1]
        sign = token.group("sign")
        if token.group("end") is not None:
            if expected != "next" or container is not root:
                raise ValueError("JSON that ends too early")
            return root[0]
        closes = sign is not None and sign == ("]" if isinstance(container, list) else "}")
        if closes and container is not root and (expected == "next" or expected.endswith("or end")):
            open_containers.pop()
            expected = "next"
        elif sign == "," and expected == "next" and container is not root:
            expected = "value" if isinstance(container, list) else "name"
        elif sign == ":" and expected == "colon":
            expected = "value"
        elif token.group("string") is not None and expected.startswith("name"):
            name = json.loads(token.group("string"))
            expected = "colon"
        elif expected.startswith("value") and (sign is None or sign in "[{"):
            value = {"[": [], "{": {}}[sign] if sign else read_json(token.group("string") or token.group("scalar"))
            if isinstance(container, list):
                container.append(value)
            else:
                container[name] = value
            expected = "next"
            if sign is not None:
                open_containers.append(value)
                expected = "value or end" if sign == "[" else "name or end"
        else:
            raise ValueError("not JSON")


def is_integer(value):
    """Whether it is an integer; Python takes booleans for integers too."""
    return type(value) is int


def is_number(value):
    return type(value) in (int, float)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def is_identity(value):
    """Whether it is the form of a log's identity."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{32}", value) is not None


def read_entry(body):
    """The entry that these bytes are, or None when they are not JSON text or lack what every entry has."""
    try:
        entry = read_json(body.decode("utf-8"))
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    texts = all(isinstance(entry.get(name), str) for name in ("prev", "ts", "kind")) and is_identity(entry.get("log"))
    return entry if texts and is_number(entry.get("v")) and is_integer(entry.get("seq")) else None


# The chain: every check of an entry, whichever file it comes from.


class Segment:
    """A sealed part that was read."""

    def __init__(self, name, digest):
        self.name = name
        self.digest = digest
        self.is_named = False
        self.last = None


class Pairing:
    """Counts decisions without an outcome and outcomes without a decision, in one bit for each entry."""

    PAGE = 65_536

    def __init__(self):
        self.without_outcome = 0
        self.without_decision = 0
        self.pages = {}
        self.first = None

    def add(self, seq, entry):
        if self.first is None:
            self.first = seq
        if entry["kind"] == "decision" and entry["authorized"]:
            self.flip(seq)
            self.without_outcome += 1
        elif entry["kind"] == "outcome":
            if self.is_open(entry["of"]):
                self.flip(entry["of"])
                self.without_outcome -= 1
            elif entry["of"] >= self.first:
                self.without_decision += 1

    def is_open(self, seq):
        page = self.pages.get(seq // self.PAGE)
        return page is not None and (page[seq % self.PAGE // 8] >> seq % 8) & 1 == 1

    def flip(self, seq):
        page = self.pages.setdefault(seq // self.PAGE, bytearray(self.PAGE // 8))
        page[seq % self.PAGE // 8] ^= 1 << seq % 8


def same_json(left, right):
    """Whether two values are the same JSON; Python takes True for 1. What is nested too deeply is like nothing."""
    try:
        return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    except RecursionError:
        return False


def is_writable(value):
    """Whether canonical JSON can hold it: no number too large for a double, no half of a surrogate pair in a text."""
    if isinstance(value, float):
        return math.isfinite(value)
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, dict) else []
    return not any("\ud800" <= sign <= "\udfff" for text in texts for sign in text)


def can_be_carried(value, levels=100):
    """Whether it is writable, and nested in no more than so many levels, itself the first, plain values the last."""
    level = [value]
    for _ in range(levels):
        if not all(is_writable(each) for each in level):
            return False
        lists = [list(each.values()) if isinstance(each, dict) else each for each in level]
        level = [inner for each in lists if isinstance(each, list) for inner in each]
    return not level


class OpenItems:
    """The requests, answers and grants that are open, by what the entries themselves say."""

    MAX_OPEN = 256
    MAX_ANSWERS = 8
    MAX_ENDED = 64
    TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
    LEFT_OUT = ("v", "log", "prev", "payload", "redacted", "cut")

    def __init__(self):
        self.requests = {}
        self.grants = {}
        self.ended = {}

    @classmethod
    def resume(cls, carried):
        """What a segment entry carries on; None when that is not what any log carries on."""
        items = cls()
        given = carried if isinstance(carried, dict) else {}
        for item in placed(given.get("requests")):
            items.request(item["hash"], item["entry"])
            for answer in placed(item.get("answers")):
                items.answer(answer["hash"], answer["entry"])
        for item in placed(given.get("grants")):
            grant = items.grant(item["hash"], item["entry"])
            if grant is None:
                continue
            grant.pop("left", None)
            if is_integer(item.get("left")):
                grant["left"] = item["left"]
            if item.get("revoked") is True:
                grant["revoked"] = True
        for item in objects(given.get("ended")):
            if not isinstance(item.get("id"), str) or item.get("status") not in ("consumed", "expired"):
                continue
            if is_placed(item.get("hash"), item):
                items.ended[item["id"]] = {name: item[name] for name in ("id", "seq", "hash", "status")}
        # An item and its entry lie in the lists and the object that carry them on.
        is_possible = can_be_carried(carried, 105) and same_json(items.carried(), carried)
        return items if is_possible else None

    def carried(self):
        parts = {"requests": self.requests, "grants": self.grants, "ended": self.ended}
        return {name: list(part.values()) for name, part in parts.items() if part} or None

    def apply(self, entry_hash, entry):
        self.passes(entry["ts"])
        status = entry.get("status")
        if entry["kind"] == "approval":
            if status == "requested":
                self.request(entry_hash, entry)
            elif status in ("approved", "rejected"):
                self.answer(entry_hash, entry)
            elif status in ("consumed", "expired"):
                request = self.request_of(entry)
                if request is not None:
                    self.end(request, status)
        elif entry["kind"] == "grant":
            if status == "granted":
                self.grant(entry_hash, entry)
            else:
                self.change(entry, status)

    def passes(self, ts):
        """Ends what was over at this time. Times are compared as text, by UTF-16 code units."""
        for request in list(self.requests.values()):
            if utf16(ts) > utf16(request["entry"]["expires"]):
                self.end(request, "expired")
        for identity, grant in list(self.grants.items()):
            if utf16(ts) > utf16(grant["entry"]["expires"]):
                del self.grants[identity]

    def is_taken(self, identity):
        return identity in self.requests or identity in self.grants

    def has_texts(self, entry, texts, perhaps):
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in texts):
            return False
        return all(isinstance(entry.get(name, ""), str) for name in perhaps) and can_be_carried(entry)

    def is_item(self, entry, texts, perhaps):
        if not self.has_texts(entry, ("id", "expires", "actor", "capability", "environment") + texts, perhaps):
            return False
        return self.TIME.fullmatch(entry["expires"]) is not None

    def is_request(self, entry):
        texts = ("event", "action", "resource", "policy", "digest", "shown")
        if not self.is_item(entry, texts, ("scope", "session", "tool", "riskLevel")):
            return False
        rule = entry.get("rule", {"id": ""})
        # A list has no member of that name.
        return isinstance(rule, dict) and isinstance(rule.get("id"), str)

    def request(self, entry_hash, entry):
        if not self.is_request(entry) or self.is_taken(entry["id"]) or len(self.requests) >= self.MAX_OPEN:
            return
        self.ended.pop(entry["id"], None)
        self.requests[entry["id"]] = {"hash": entry_hash, "entry": self.kept(entry), "answers": []}

    def answer(self, entry_hash, entry):
        request = self.request_of(entry)
        if request is None or not self.has_texts(entry, ("by", "user"), ("note",)):
            return
        answers = request["answers"]
        if len(answers) >= self.MAX_ANSWERS and entry.get("status") == "rejected":
            answers = [answer for answer in answers if answer["entry"].get("status") != "approved"]
        if len(answers) < self.MAX_ANSWERS:
            request["answers"] = answers + [{"hash": entry_hash, "entry": self.kept(entry)}]

    def request_of(self, entry):
        """The open request that an entry names, by all three of id, place and hash."""
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            return None
        return self.named(self.requests.get(entry["id"]), entry, "request")

    def named(self, item, entry, member):
        if item is None or not same_json([item["entry"].get("seq"), item["hash"]], [entry.get("of"), entry.get(member)]):
            return None
        return item

    def end(self, request, status):
        entry = request["entry"]
        del self.requests[entry["id"]]
        self.ended[entry["id"]] = {"id": entry["id"], "seq": entry.get("seq"), "hash": request["hash"], "status": status}
        while len(self.ended) > self.MAX_ENDED:
            del self.ended[next(iter(self.ended))]

    def grant(self, entry_hash, entry):
        is_item = self.is_item(entry, ("by", "user"), ("session", "note"))
        if not is_item or self.is_taken(entry["id"]) or len(self.grants) >= self.MAX_OPEN:
            return None
        uses = entry.get("uses")
        if "uses" in entry and not (is_integer(uses) and uses > 0):
            return None
        grant = {"hash": entry_hash, "entry": self.kept(entry), **({"left": uses} if "uses" in entry else {})}
        self.grants[entry["id"]] = grant
        return grant

    def change(self, entry, status):
        if not isinstance(entry.get("id"), str):
            return
        grant = self.named(self.grants.get(entry["id"]), entry, "grant")
        if grant is None:
            return
        if status == "revoked":
            grant["revoked"] = True
        elif status == "used" and grant.get("left", 0) > 0:
            grant["left"] -= 1

    def kept(self, entry):
        return {name: value for name, value in entry.items() if name not in self.LEFT_OUT}


def is_placed(entry_hash, entry):
    """Whether there are the hash and the number that every entry has."""
    return isinstance(entry_hash, str) and isinstance(entry, dict) and is_integer(entry.get("seq"))


def placed(value):
    return [each for each in objects(value) if is_placed(each.get("hash"), each.get("entry"))]


def objects(value):
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def utf16(text):
    return text.encode("utf-16-be", "surrogatepass")


class Chain:
    """Collects what is wrong with one log, whose entries it is given in order: segments, database, tail."""

    def __init__(self, anchors):
        self.anchors = anchors
        self.problems = []
        self.warnings = []
        self.counted = 0
        self.last = None
        self.log = None
        self.anchor = None
        self.pairing = Pairing()
        # None where it can't be known: behind what is missing or damaged, until the next segment entry.
        self.open_items = OpenItems()
        self.segments = {}
        self.segment = None
        # Where the log begins, when that is not with entry 0: number, and what it follows.
        self.start = None
        # The entry that names the absent part before it.
        self.start_named_by = None
        # The last row of the file that is being read, and the first row of the database.
        self.last_in_part = None
        self.database_begins = None
        self.expected = None
        # The entry before, as (number, hash); None when it was missing or at fault.
        self.previous = (-1, NO_PREVIOUS)
        # Hashes of what was read since the first row of the segment last begun.
        self.hashes = {}

    def problem(self, seq, what):
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append({"what": what} if seq is None else {"seq": seq, "what": what})

    def begin_segment(self, first, segment):
        self.hashes.clear()
        self.segment = segment
        self.segments[first] = segment
        self.last_in_part = None

    def begin_database(self):
        self.segment = None
        self.last_in_part = None

    def in_part(self, seq):
        """Each file must be whole in itself, though another may hold the same rows."""
        last = self.last_in_part
        self.last_in_part = seq
        if self.segment is None and self.database_begins is None:
            self.database_begins = seq
        if self.expected is None or seq >= self.expected:
            return
        if last is None and seq not in self.segments:
            self.problem(seq - 1, "it is missing in one of the parts that hold it")
        if last is not None and seq != last + 1:
            self.problem(last + 1, "it is missing in one of the parts that hold it")

    def end_database(self):
        """A segment is never ahead of the database: it is what that once was, or was taken out of it and named there."""
        if self.expected is not None and self.last_in_part != self.expected - 1:
            missing = self.expected - 1 if self.last_in_part is None else self.last_in_part + 1
            self.problem(missing, "it is missing in one of the parts that hold it")

    def row(self, seq, stored_hash, body, derived):
        """A row of a database. Text comes as Text, so that it differs from a blob."""
        self.in_part(seq)
        is_text = isinstance(body, Text) and is_utf8(body)
        computed = sha256(body) if is_text else ""
        is_sound = is_text and isinstance(stored_hash, Text) and stored_hash == computed.encode("ascii")
        entry = read_entry(body) if is_sound else None
        # What is damaged agrees with nothing, though its text were that of a sound one elsewhere.
        self.entry(seq, "" if entry is None else computed, entry)
        if entry is not None and entry["kind"] in KINDS:
            self.columns(seq, entry, derived)
        if self.segment is not None:
            self.segment.last = seq

    def entry(self, seq, entry_hash, entry):
        """An entry of any file; `entry` is None when it is damaged."""
        if self.expected is not None and seq < self.expected:
            if self.hashes.get(seq) != entry_hash:
                self.problem(seq, "it is there twice, and the two are not the same")
            return
        self.hashes[seq] = entry_hash
        self.gap(seq, entry)
        if self.previous is None:
            self.open_items = None
        misfit = "its text and its hash do not agree" if entry is None else self.misfit(seq, entry)
        if misfit is not None:
            self.problem(seq, misfit)
        elif self.previous is not None and entry["prev"] != self.previous[1]:
            self.open_items = None
            if seq == 0:
                self.problem(0, "the first entry follows something")
            else:
                self.problem(self.previous[0], "it is not the entry that entry %d was recorded after" % seq)
        self.previous = (seq, entry_hash) if misfit is None else None
        self.expected = seq + 1
        if entry is None:
            return
        if self.log is None:
            self.log = entry["log"]
        self.anchored(seq, entry_hash, entry)
        self.last = {"seq": seq, "ts": entry["ts"]}
        if entry["kind"] in COUNTED:
            self.counted += 1
        if entry["kind"] == "segment":
            self.named(seq, entry)
        if misfit is None:
            self.pairing.add(seq, entry)
            self.check_open_items(seq, entry_hash, entry)

    def gap(self, seq, entry):
        if self.expected is None:
            if seq > 0:
                self.start = (seq, None if entry is None else entry["prev"])
                self.previous = None
        elif seq > self.expected:
            self.missing(self.expected, seq - 1)
            self.previous = None

    def missing(self, first, last):
        self.problem(first, "it is missing" if first == last else "entries %d to %d are missing" % (first, last))

    def misfit(self, seq, entry):
        if entry["v"] != FORMAT:
            return "its format, %s, is not known" % entry["v"]
        if entry["kind"] not in KINDS:
            return "its kind is not known"
        if entry["seq"] != seq:
            return "it says of itself that it is entry %d" % entry["seq"]
        if seq < 0 or (entry["kind"] == "genesis") != (seq == 0):
            return "a log begins with one genesis entry, and has no other"
        if self.log is not None and entry["log"] != self.log:
            return "it belongs to another log"
        if entry["kind"] == "outcome" and not is_integer(entry.get("of")):
            return "it names no decision"
        if entry["kind"] == "decision" and not isinstance(entry.get("authorized"), bool):
            return "it does not say whether the call was let through"
        return None

    def anchored(self, seq, entry_hash, entry):
        for anchor in self.anchors:
            if anchor.size != seq + 1 or anchor.log != entry["log"]:
                continue
            if anchor.hash == entry_hash:
                self.anchor = {"seq": seq, "signedBy": anchor.signed_by}
            else:
                self.problem(seq, "it is not the entry that a checkpoint was made of: the log was made anew up to here")

    def named(self, seq, entry):
        first, last = entry.get("first"), entry.get("last")
        if self.start is not None and is_integer(last) and last == self.start[0] - 1:
            self.start_named_by = seq
            if self.start[1] != entry.get("head"):
                self.problem(self.start[0], "it does not follow the segment that entry %d names" % seq)
        segment = self.segments.get(first) if is_integer(first) else None
        # An entry in the file itself names another one, of the log that this one was copied from.
        if segment is None or segment is self.segment:
            return
        segment.is_named = True
        if segment.digest != entry.get("digest") or not is_integer(last) or segment.last != last:
            self.problem(seq, "the segment %s is not the file that this entry names" % segment.name)

    def check_open_items(self, seq, entry_hash, entry):
        if entry["kind"] == "segment":
            if self.open_items is None:
                self.open_items = OpenItems.resume(entry.get("open"))
            elif not same_json(self.open_items.carried(), entry.get("open")):
                self.problem(seq, "what it carries on of approvals is not what the entries before it come to")
        if self.open_items is not None:
            self.open_items.apply(entry_hash, entry)

    def columns(self, seq, entry, stored):
        decision = entry if entry["kind"] == "decision" else {}
        outcome = entry if entry["kind"] == "outcome" else {}
        call = decision or outcome
        rule = decision.get("rule")
        expected = (
            entry["ts"],
            entry["kind"],
            call.get("actor"),
            call.get("capability"),
            call.get("environment"),
            decision.get("decision"),
            decision.get("reason"),
            rule.get("id") if isinstance(rule, dict) else None,
            outcome.get("status"),
            outcome.get("of"),
        )
        for name, value, found in zip(DERIVED_COLUMNS, expected, stored):
            if not column_agrees(value, found):
                self.problem(seq, "its column %s does not agree with its text" % name)
                return

    def tail(self, data):
        lines, rest = split_tail(data)
        header = read_tail_header(lines[0]) if lines else None
        if header is None:
            self.problem(None, "the first line of the tail is damaged")
            return
        first = header["first"]
        if self.log is not None and header["log"] != self.log:
            self.problem(None, "the tail belongs to another log")
        known = self.hashes.get(first - 1)
        if known is not None and known != header["prev"]:
            self.problem(first - 1, "the tail follows another entry than the one in the database")
        if len(lines) == 1 and self.expected is not None and first > self.expected:
            self.missing(self.expected, first - 1)
        for index, line in enumerate(lines[1:]):
            body = sound_body(line)
            entry = None if body is None else read_entry(body)
            self.entry(first + index, "" if entry is None else sha256(body), entry)
        if not rest:
            return
        problem = unfinished_problem(rest)
        if problem is not None:
            self.problem(self.expected, problem)
        else:
            self.warnings.append("%d bytes at the end of the tail are an unfinished write, and no entry" % len(rest))

    def end(self, min_size):
        if self.last is None and not self.problems:
            self.problem(None, "it has no entries")
        if self.start is not None and self.start_named_by is None:
            last = self.start[0] - 1
            self.problem(last, "entries 0 to %d are missing, and no later entry names them" % last)
        for first, segment in self.segments.items():
            if not segment.is_named and first != self.database_begins:
                self.problem(first, "no entry names the segment %s" % segment.name)
        size = 0 if self.last is None else self.last["seq"] + 1
        for anchor in self.anchors:
            if anchor.log != self.log:
                self.problem(None, "a checkpoint was made of another log")
            elif anchor.size > size:
                what = "entries %d to %d are missing: a checkpoint covers them" % (size, anchor.size - 1)
                self.problem(size, what)
        # Whoever can write the log could leave out what a checkpoint covers, and begin it after that.
        if self.anchors and self.anchor is None and not self.problems:
            self.problem(None, "the checkpoints cover only entries that are absent, and vouch for nothing here")
        if self.anchor is not None and self.start_named_by is not None and self.start_named_by > self.anchor["seq"]:
            what = "it excuses entries that are absent, and no checkpoint vouches for it"
            self.problem(self.start_named_by, what)
        vouched = size
        if self.anchors:
            vouched = 0 if self.anchor is None else self.anchor["seq"] + 1
        if vouched < min_size:
            who = "the checkpoints vouch for" if self.anchors else "it has"
            self.problem(None, "%s %d entries, and %d are asked for" % (who, vouched, min_size))


def column_agrees(value, stored):
    if value is None:
        return stored is None
    if isinstance(value, str):
        try:
            return isinstance(stored, Text) and stored == value.encode("utf-8")
        except UnicodeEncodeError:
            return False  # A lone surrogate, which no text column can hold.
    return is_integer(value) and is_integer(stored) and value == stored


# The tail.


def split_tail(data):
    """The complete lines, and what follows the last of them: an unfinished write, or nothing."""
    end = data.rfind(b"\n") + 1
    return data[:end].split(b"\n")[:-1], data[end:]


# The hash, a space, and the beginning of an object, which has no control characters in it.
BEGINNING = re.compile(rb"[0-9a-f]{0,64}|[0-9a-f]{64} (?:\{[^\x00-\x1f]*)?")
# What matters of JSON text when only its brackets are counted.
MARKS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}]', re.DOTALL)


def unfinished_problem(rest):
    """What is wrong with bytes as an unfinished write; None when a crash can have left them."""
    written = rest.rstrip(b"\0")
    if BEGINNING.fullmatch(written) is None:
        return "what follows its last line in the tail is not the beginning of one"
    depth = 0
    for mark in MARKS.finditer(written, 65):
        depth += {b"{": 1, b"}": -1}.get(mark.group(), 0)
        if depth == 0 and mark.group() == b"}":
            body = sound_body(written)
            is_entry = mark.end() == len(written) and body is not None and read_entry(body) is not None
            if is_entry and len(rest) != len(written) + 1:
                return None
            return "the end of its line in the tail was changed"
    return None


def sound_body(line):
    """The JSON bytes of a line; None when its hash is not theirs."""
    body = line[65:]
    return body if line[:65] == sha256(body).encode("ascii") + b" " else None


def read_tail_header(line):
    body = sound_body(line)
    if body is None:
        return None
    try:
        header = read_json(body.decode("utf-8"))
    except ValueError:
        return None
    if not isinstance(header, dict) or header.get("capfence") != "tail":
        return None
    if not is_integer(header.get("v")) or header["v"] != FORMAT:
        return None
    is_sound = is_integer(header.get("first")) and header["first"] >= 1
    return header if is_sound and is_identity(header.get("log")) and isinstance(header.get("prev"), str) else None


# The database files.


# What SQLite takes for a number when it stands in a column of numbers.
NUMERIC_TEXT = re.compile(rb"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*(?:\0.*)?", re.DOTALL)


class Text(bytes):
    """What SQLite holds as text, to the byte. A blob comes as plain bytes."""


def is_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class Database:
    """An SQLite file, opened for reading only and taken to be immutable, so that SQLite makes no lock or journal."""

    def __init__(self, path):
        self.path = path
        with open_ordinary(path) as file:
            self.size = os.fstat(file.fileno()).st_size
        uri = pathlib.Path(os.path.abspath(path)).as_uri() + "?mode=ro&immutable=1"
        self.connection = self.guard(lambda: sqlite3.connect(uri, uri=True, isolation_level=None))
        self.connection.text_factory = Text

    def guard(self, work):
        """What SQLite refuses is a damaged file. A message of it that is not UTF-8 is a UnicodeError."""
        try:
            return work()
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise Damaged("not a readable SQLite file (%s)" % error) from error

    def all(self, query):
        return self.guard(lambda: self.connection.execute(query).fetchall())

    def check_header(self):
        """Raises Damaged when it is not a log's file, CannotRead when it is one of a newer format."""
        if self.size == 0:
            raise Damaged("the file is empty")
        [(version,)] = self.all("PRAGMA user_version")
        schema = self.all("SELECT type, name, tbl_name, sql FROM sqlite_master")
        [(application,)] = self.all("PRAGMA application_id")
        [(encoding,)] = self.all("PRAGMA encoding")
        if application == APPLICATION_ID and version > FORMAT:
            what = "written in format %d, and this program reads format %d" % (version, FORMAT)
            raise CannotRead("%s: %s" % (self.path, what))
        is_text = all(isinstance(value, Text) for row in schema for value in row)
        is_ours = application == APPLICATION_ID and version == FORMAT and encoding == b"UTF-8"
        if not is_ours or schema != SCHEMA or not is_text:
            raise Damaged("not a CapFence log, or its tables were changed")

    def structure_problem(self):
        answers = self.all("PRAGMA quick_check(1)")
        answer = answers[0][0] if answers else b"no answer"
        if answer != b"ok":
            return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
        # Not every version of SQLite looks for these itself.
        numbers = ["typeof(%s) IN ('integer', 'real')" % name for name in TEXT_COLUMNS]
        if self.all("SELECT 1 FROM entries WHERE %s LIMIT 1" % " OR ".join(numbers)):
            return "a number in a text column"
        texts = self.stream("SELECT decision_seq FROM entries WHERE typeof(decision_seq) = 'text'")
        return "a number as text" if any(NUMERIC_TEXT.fullmatch(text) for (text,) in texts) else None

    def stream(self, query):
        cursor = self.guard(lambda: self.connection.execute(query))
        while True:
            row = self.guard(cursor.fetchone)
            if row is None:
                return
            yield row

    def rows(self):
        before = None
        for row in self.stream("SELECT seq, hash, body, %s FROM entries ORDER BY seq" % ", ".join(DERIVED_COLUMNS)):
            # A damaged file's pages may lead round and round.
            if not is_integer(row[0]) or (before is not None and row[0] <= before):
                raise Damaged("its rows are not in order")
            before = row[0]
            yield row

    def identity(self):
        """The log's identity as the first sound row gives it, or None."""
        try:
            self.check_header()
            for _, stored_hash, body, *_ in self.rows():
                is_sound = isinstance(body, Text) and isinstance(stored_hash, Text)
                entry = read_entry(body) if is_sound and stored_hash == sha256(body).encode("ascii") else None
                if entry is not None:
                    return entry["log"]
        except Damaged:
            pass  # Reported when its rows are checked.
        return None

    def close(self):
        self.connection.close()


def is_there(path):
    """Whether anything has that name, be it a link that leads nowhere."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def check_database(chain, database):
    for suffix in ("-journal", "-wal"):
        if is_there(database.path + suffix):
            chain.problem(None, "%s would make other SQLite readers see something else" % (database.path + suffix))
    try:
        database.check_header()
        structure = database.structure_problem()
        if structure is not None:
            chain.problem(None, "the structure of %s is damaged (%s)" % (database.path, structure))
        for seq, stored_hash, body, *derived in database.rows():
            chain.row(seq, stored_hash, body, derived)
    except Damaged as error:
        chain.problem(None, "Audit log %s: %s" % (database.path, error))


def open_ordinary(path):
    """Opens a file for reading. Raises FileNotFoundError when there is none, CannotRead when it can't be read."""
    try:
        # Opening a pipe would wait for its other end.
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise CannotRead("%s: it is not an ordinary file" % path)
        if found.st_size >= TOO_LARGE:
            raise CannotRead("%s: it has 2 GiB or more, which no file of a log has" % path)
        return open(path, "rb")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise CannotRead("%s: %s" % (path, reason_of(error))) from error


def reason_of(error):
    return getattr(error, "strerror", None) or str(error)


def read_whole(path):
    """A file's bytes; None when there is no such file."""
    try:
        with open_ordinary(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


def digest_of(path):
    digest = hashlib.sha256()
    with open_ordinary(path) as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def list_segments(path, log):
    """The sealed parts beside a log, as (first entry, path), oldest first."""
    directory, base = os.path.split(path)
    found = []
    for name in os.listdir(directory or "."):
        if not name.startswith(base + "."):
            continue
        match = re.fullmatch(r"\.([0-9a-f]{8})\.(0|[1-9][0-9]{0,14})", name[len(base) :])
        if match is not None and match.group(1) == log[:8]:
            found.append((int(match.group(2)), os.path.join(directory, name)))
    return sorted(found)


# One log.


# Times that a log is read anew because it was folded while it was read.
MAX_READS = 10


def read_parts(path):
    """The log's tail, its database, opened, and its segments, as they are at one moment."""
    for reads in range(1, MAX_READS + 1):
        before = identity_of(path)
        tail = read_whole(path + "-tail")
        try:
            database = Database(path)
        except FileNotFoundError:
            if tail is None:
                raise CannotRead("%s: there is no such file" % path) from None
            raise Damaged("the file is missing, but its tail is there") from None
        log = database.identity()
        if log is None and tail is not None:
            lines, _ = split_tail(tail)
            header = read_tail_header(lines[0]) if lines else None
            log = None if header is None else header["log"]
        segments = [] if log is None else list_segments(path, log)
        if identity_of(path) == before or reads == MAX_READS:
            return tail, database, segments
        database.close()


def identity_of(path):
    """What tells one file from another: not its number alone, since a new file may get that of one that has gone."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size


def check_parts(chain, path):
    tail, database, segments = read_parts(path)
    try:
        for first, name in segments:
            check_segment(chain, first, name)
        chain.begin_database()
        check_database(chain, database)
        chain.end_database()
    finally:
        database.close()
    if tail is not None:
        chain.tail(tail)


def check_segment(chain, first, path):
    try:
        digest = digest_of(path)
        segment = Database(path)
    except FileNotFoundError:
        return
    try:
        chain.begin_segment(first, Segment(os.path.basename(path), digest))
        check_database(chain, segment)
    finally:
        segment.close()


def real_path(named):
    """The log's own path. Links are followed, as a writer does, to a file that is there: the others lie beside that."""
    if os.path.exists(named):
        return os.path.realpath(named)
    directory, name = os.path.split(os.path.abspath(named))
    return os.path.join(os.path.realpath(directory), name)


def verify(named, anchors, min_size):
    """The report on one log. Raises CannotRead when there can be none."""
    path = real_path(named)
    chain = Chain(anchors)
    try:
        check_parts(chain, path)
    except Damaged as error:
        chain.problem(None, "Audit log %s: %s" % (path, error))
    except (OSError, MemoryError) as error:
        raise CannotRead("%s: %s" % (path, reason_of(error))) from error
    chain.end(min_size)
    report = {"path": named, "intact": not chain.problems, "entries": chain.counted}
    if chain.start is not None:
        report["from"] = chain.start[0]
    if chain.last is not None:
        report["last"] = chain.last
    if chain.anchor is not None:
        report["anchor"] = chain.anchor
    report["withoutOutcome"] = chain.pairing.without_outcome
    report["withoutDecision"] = chain.pairing.without_decision
    report["problems"] = chain.problems
    report["warnings"] = chain.warnings
    return report


# Signed notes (c2sp.org/signed-note) and checkpoints.

# A key's name has no plus and no Unicode spaces, which are other ones than Python's.
NAME = r"([^+\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+)"
VERIFYING_KEY = re.compile(NAME + r"\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
SIGNATURE = re.compile("\u2014 " + NAME + " ([A-Za-z0-9+/]+={0,2})")
# A note has no ASCII control characters but line feeds.
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class Key:
    """An Ed25519 key that verifies."""

    def __init__(self, text):
        match = VERIFYING_KEY.fullmatch(text.strip(" \t\r\n"))
        raw = None if match is None else decode_base64(match.group(3))
        if raw is None or len(raw) != 33 or raw[0] != 1:
            raise ValueError("not a verifying key")
        self.name = match.group(1)
        self.id = hashlib.sha256(self.name.encode("utf-8") + b"\n" + raw).digest()[:4]
        if self.id.hex() != match.group(2):
            raise ValueError("not a verifying key")
        # RFC 8410: a SubjectPublicKeyInfo is this prefix and the key.
        spki = bytes.fromhex("302a300506032b6570032100") + raw[1:]
        encoded = base64.b64encode(spki).decode("ascii")
        self.pem = "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % encoded

    def verifies(self, signature, message):
        """Whether the signature is this key's. Raises CannotRead when openssl can't say."""
        if len(signature) != 64:
            return False
        with tempfile.TemporaryDirectory() as directory:
            files = {"key": self.pem.encode("ascii"), "message": message, "signature": signature}
            for name, data in files.items():
                with open(os.path.join(directory, name), "wb") as file:
                    file.write(data)
            command = "openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature"
            try:
                answer = subprocess.run(command.split(), cwd=directory, capture_output=True, check=False)
            except OSError as error:
                raise CannotRead("openssl: %s" % reason_of(error)) from error
        said = answer.stdout + answer.stderr
        if answer.returncode == 0 and b"Signature Verified Successfully" in said:
            return True
        if b"Signature Verification Failure" in said:
            return False
        raise CannotRead("openssl: %s" % said.decode("utf-8", "replace").strip())


def decode_base64(text):
    """Strictly, so that one text stands for one value; None when it is not base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode("ascii") == text else None


class Anchor:
    """A checkpoint whose signature was verified."""

    def __init__(self, note, keys):
        text, self.signed_by = open_note(note, keys)
        lines = text.split("\n")
        origin, size, encoded = (lines + ["", ""])[:3]
        raw = decode_base64(encoded)
        if not origin.startswith("capfence/") or not re.fullmatch(r"[1-9][0-9]{0,14}", size):
            raise ValueError("signed, but not a checkpoint of a CapFence log")
        if raw is None or len(raw) != 32:
            raise ValueError("signed, but not a checkpoint of a CapFence log")
        self.log = origin[len("capfence/") :]
        self.size = int(size)
        self.hash = raw.hex()


def open_note(note, keys):
    """The text of a note, and the names of those of the keys that have signed it. Raises ValueError without any."""
    end = note.rfind("\n\n")
    if end < 0 or not note.endswith("\n") or CONTROL.search(note) is not None:
        raise ValueError("not a signed note")
    text = note[: end + 1]
    verified = []
    for line in note[end + 2 : -1].split("\n"):
        match = SIGNATURE.fullmatch(line)
        signature = None if match is None else decode_base64(match.group(2))
        if signature is None or len(signature) < 5:
            raise ValueError("not a signed note: a signature line is malformed")
        for key in keys:
            if (key.name, key.id) != (match.group(1), signature[:4]) or key in verified:
                continue
            if not key.verifies(signature[4:], text.encode("utf-8")):
                raise ValueError("the signature of %s is wrong" % key.name)
            verified.append(key)
    if not verified:
        raise ValueError("none of the given keys has signed it")
    return text, list(dict.fromkeys(key.name for key in verified))


# The command.


def read_key(value):
    if "PRIVATE+KEY+" in value:
        raise WrongUsage("option '--vkey' was given a private key, which is secret no longer")
    try:
        return Key(value)
    except ValueError:
        pass
    text = read_note_file("verifying key", value)
    try:
        return Key(text)
    except ValueError as error:
        raise CannotRead("%s: it is not a verifying key" % value) from error


def read_note_file(what, path):
    """The text of a file, which may be a pipe."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_NOTE + 1)
        if len(data) > MAX_NOTE:
            raise CannotRead("%s %s: it is larger than 1 MiB, which no key and no checkpoint is" % (what, path))
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CannotRead("%s %s: it is not UTF-8 text, which every key and every checkpoint is" % (what, path)) from error
    except (OSError, ValueError) as error:
        raise CannotRead("%s %s: %s" % (what, path, reason_of(error))) from error


def read_checkpoints(files, keys):
    """The checkpoints that prove something, and what is wrong with the others."""
    anchors, unproven = [], []
    for path in files:
        note = read_note_file("checkpoint", path)
        try:
            anchors.append(Anchor(note, keys))
        except ValueError as error:
            unproven.append("the checkpoint %s is no proof: %s" % (path, error))
    return anchors, unproven


def visible(text):
    """Text from a log, with what a terminal would obey or hide made visible."""
    return "".join(letter if letter.isprintable() else "\\u{%x}" % ord(letter) for letter in text)


def plural(count, one, many):
    return "%d %s" % (count, one if count == 1 else many)


def describe(report, unanchored):
    verified = "%s verified." % plural(report["entries"], "entry", "entries")
    place = describe_place(report)
    warnings = ["Warning: %s" % visible(warning) for warning in report["warnings"]]
    if not report["intact"]:
        return describe_problems("Audit chain broken", report["problems"] + unanchored) + warnings
    if unanchored:
        alone = "The chain in itself is intact. %s" % verified
        return describe_problems("Not anchored", unanchored) + [alone] + place + warnings
    headline = "✓ Audit chain intact. %s" % verified
    return [headline] + place + [describe_anchor(report)] + describe_pairing(report) + warnings


def describe_place(report):
    lines = []
    if "from" in report:
        start = report["from"]
        absent = {1: "the genesis entry is", 2: "entry 1 is"}.get(start, "entries 1 to %d are" % (start - 1))
        lines.append("Verified from entry %d; %s absent." % (start, absent))
    if "last" in report:
        time = report["last"]["ts"]
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z", time):
            time = time[:19].replace("T", " ")
        lines.append("Last entry: %d at %s UTC." % (report["last"]["seq"], visible(time)))
    return lines


def describe_anchor(report):
    if "anchor" not in report:
        return "Unanchored: a cut tail or a full rewrite would not show. See capfence checkpoint."
    seq, signers = report["anchor"]["seq"], report["anchor"]["signedBy"]
    after = plural(report["last"]["seq"] - seq, "entry", "entries")
    return "Anchored to entry %d by %s; %s after it." % (seq, ", ".join(map(visible, signers)), after)


def describe_pairing(report):
    decisions, outcomes = report["withoutOutcome"], report["withoutDecision"]
    if decisions == 0 and outcomes == 0:
        return []
    return [
        "%s without an outcome; %s without an allowing decision."
        % (plural(decisions, "decision", "decisions"), plural(outcomes, "outcome", "outcomes"))
    ]


def describe_problems(headline, problems):
    first, others = problems[0], problems[1:]
    place = " at entry %d" % first["seq"] if "seq" in first else ""
    lines = ["✗ %s%s: %s" % (headline, place, visible(first["what"]))]
    for problem in others[:MAX_FURTHER]:
        lines.append("  %s%s" % ("entry %d: " % problem["seq"] if "seq" in problem else "", visible(problem["what"])))
    if len(others) > MAX_FURTHER:
        lines.append("  and at least %d more" % (len(others) - MAX_FURTHER))
    return lines


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="verify_audit.py",
        description="Verifies CapFence audit logs without CapFence. Reads only.",
        epilog="Exit codes: 0 intact, 1 could not be read, 2 wrong usage, 3 a finding.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("log", nargs="+", type=some_text, metavar="AUDIT_DB", help="the log's database file")
    many = {"action": "append", "default": [], "type": some_text}
    add("--checkpoint", **many, metavar="FILE", help="a signed checkpoint of the log")
    add("--vkey", **many, metavar="KEY", help="a key to trust, or a file that holds it")
    add("--min-size", type=size, default=0, metavar="N", help="entries that must be there, entry 0 included")
    add("--json", action="store_true", help="one line of JSON for each log")
    options = parser.parse_args(list(with_values(arguments)))
    if bool(options.checkpoint) != bool(options.vkey):
        given, other = ("--vkey", "--checkpoint") if options.vkey else ("--checkpoint", "--vkey")
        parser.error("option '%s' means nothing without option '%s'" % (given, other))
    return options


def with_values(arguments):
    """The same arguments, each option in one piece with its value, which may begin with a hyphen, as a key's name may."""
    rest = iter(arguments)
    for each in rest:
        value = next(rest, None) if each in ("--checkpoint", "--vkey", "--min-size") else None
        yield each if value is None else "%s=%s" % (each, value)


def some_text(text):
    if not text:
        raise argparse.ArgumentTypeError("it must not be empty")
    return text


def size(text):
    if not re.fullmatch(r"[1-9][0-9]{0,14}", text):
        raise argparse.ArgumentTypeError("not a number of entries")
    return int(text)


def report_on(path, options, anchors, unproven):
    """Prints what was found about one log; answers the exit code."""
    try:
        report = verify(path, anchors, options.min_size)
    except CannotRead as error:
        if options.json:
            print(json.dumps({"path": path, "error": str(error)}))
        print("Error: %s" % visible(str(error)), file=sys.stderr)
        return 1
    unanchored = [{"what": what} for what in unproven]
    is_intact = report["intact"] and not unanchored
    if options.json:
        print(json.dumps({**report, "intact": is_intact, "problems": report["problems"] + unanchored}))
    else:
        heading = [visible(path)] if len(options.log) > 1 else []
        print("\n".join(heading + describe(report, unanchored)))
    return 0 if is_intact else 3


def main(arguments):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = parse_arguments(arguments)
    try:
        keys = [read_key(value) for value in options.vkey]
        anchors, unproven = read_checkpoints(options.checkpoint, keys)
        return max(report_on(path, options, anchors, unproven) for path in options.log)
    except (CannotRead, WrongUsage) as error:
        print("Error: %s" % visible(str(error)), file=sys.stderr)
        return 1 if isinstance(error, CannotRead) else 2


if __name__ == "__main__":
    try:
        exit_code = main(sys.argv[1:])
        sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        # Nobody reads on, or somebody has had enough. Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        exit_code = 1
    sys.exit(exit_code)
