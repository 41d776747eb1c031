-- Kombu's tables as SQLAlchemy makes them, in case Python comes later.
CREATE TABLE IF NOT EXISTS kombu_queue (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name VARCHAR(200), UNIQUE (name));
CREATE TABLE IF NOT EXISTS kombu_message (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, visible BOOLEAN, timestamp DATETIME, payload TEXT NOT NULL,
    version SMALLINT NOT NULL, queue_id INTEGER,
    CONSTRAINT "FK_kombu_message_queue" FOREIGN KEY(queue_id) REFERENCES kombu_queue (id));
CREATE INDEX IF NOT EXISTS ix_kombu_message_timestamp ON kombu_message (timestamp);
CREATE INDEX IF NOT EXISTS ix_kombu_message_timestamp_id ON kombu_message (timestamp, id);
CREATE INDEX IF NOT EXISTS ix_kombu_message_visible ON kombu_message (visible);

-- Our own: what workers hold, and what they have parked.
CREATE TABLE IF NOT EXISTS celeriac_claim (
    id INTEGER PRIMARY KEY AUTOINCREMENT, message_id INTEGER NOT NULL UNIQUE, queue_id INTEGER,
    payload TEXT NOT NULL, worker TEXT NOT NULL, renewed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS celeriac_parked (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue_id INTEGER, payload TEXT NOT NULL, worker TEXT NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, parked DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP);
