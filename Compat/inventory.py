#!/usr/bin/env python3
"""Counts what the captures in `celery/` hold. Shares no code with the Swift package; needs nothing but Python's library.

    Compat/inventory.py             writes celery/INVENTORY.json anew
    Compat/inventory.py --check     compares instead: prints the differences, if any, and exits 1
    Compat/inventory.py --summary   prints the sums of each family of captures, as README.md has them

A capture is a JSON document with messages and results somewhere in its strings and objects, as their transport or store
held them. One that stands in two places, as in a Redis list and in the command that pushed it there, counts twice. Not
read is the top-level `decoded`, which repeats `redis_keys_after` for people. Per file are counted, zeros left out:

    envelopes        messages in kombu's JSON envelope: list elements, commands, entries of `unacked`, files, SQL rows
    amqp_messages    messages as AMQP carried them, {properties, body}
    tasks_v1, tasks_v2, refused_pickle, refused_signed, other_messages
                     each envelope and AMQP message is one of these, or a result; "other" are events and remote control
    results          results in stores, channels and files, compressed or not, and in messages (the rpc store)
    groups           groups as stores keep them, {"result": [...]}
    sql_results, sql_groups
                     rows of the SQL result store's tables
"""
import ast
import base64
import bz2
import collections
import difflib
import json
import lzma
import pathlib
import re
import struct
import sys
import zlib

FOLDER = pathlib.Path(__file__).resolve().parent / "celery"
INVENTORY = FOLDER / "INVENTORY.json"
COLUMNS = ["envelopes", "amqp_messages", "tasks_v1", "tasks_v2", "refused_pickle", "refused_signed", "other_messages",
           "results", "groups", "sql_results", "sql_groups"]

# 1795403476.459197 [1 127.0.0.1:43968] "GET" "key": the quoted arguments are literals of Python's bytes as they stand.
MONITOR_LINE = re.compile(r'\d+\.\d+ \[\d+ [^]]*\]((?: "(?:[^"\\]|\\.)*")+)')
ARGUMENT = re.compile(r'"(?:[^"\\]|\\.)*"')
REFUSED = {"application/x-python-serialize": "refused_pickle", "application/data": "refused_signed"}
# What kombu calls gzip is the zlib format.
DECOMPRESS = {"application/x-gzip": zlib.decompress, "application/x-bz2": bz2.decompress,
              "application/x-lzma": lzma.decompress}
COMPRESSED_RESULT = re.compile(rb"\0celery-compressed\0([^\0]+)\0(.*)", re.DOTALL)


def read_msgpack(data):
    """Reads the first value of a binary file as MessagePack; extension types are left as bytes."""
    def number(form):
        return struct.unpack(">" + form, data.read(struct.calcsize(form)))[0]

    tag = number("B")
    if tag < 0x80 or tag >= 0xE0:
        return tag if tag < 0x80 else tag - 0x100
    if tag in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[tag]
    if 0xCA <= tag <= 0xD3:
        return number("fdBHIQbhiq"[tag - 0xCA])
    if tag < 0x90 or tag in (0xDE, 0xDF):
        count = tag & 0x0F if tag < 0x90 else number("HI"[tag - 0xDE])
        return {read_msgpack(data): read_msgpack(data) for _ in range(count)}
    if tag < 0xA0 or tag in (0xDC, 0xDD):
        count = tag & 0x0F if tag < 0xA0 else number("HI"[tag - 0xDC])
        return [read_msgpack(data) for _ in range(count)]
    if tag < 0xC0 or tag >= 0xD9:
        return data.read(tag & 0x1F if tag < 0xC0 else number("BHI"[tag - 0xD9])).decode()
    if tag <= 0xC6:
        return data.read(number("BHI"[tag - 0xC4]))
    return data.read(1 + (1 << tag - 0xD4 if tag >= 0xD4 else number("BHI"[tag - 0xC7])))
