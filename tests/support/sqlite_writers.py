#!/usr/bin/env python3
"""sqlite_writers.py DATABASE MODE WRITER COUNT: COUNT transactions of two rows each."""
import sqlite3
import sys
import time

database, mode, writer, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
connection = sqlite3.connect(database, timeout=120, isolation_level=None)
connection.execute("pragma synchronous=off")
for number in range(count):
    # Who waits long is passed over by those who come: SQLite asks again and again.
    while True:
        try:
            connection.execute("begin immediate")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.001)
    for part in 0, 1:
        connection.execute("insert into entry values (?, ?, ?)", (writer, number, part))
    connection.execute("commit")
