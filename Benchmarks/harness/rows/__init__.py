"""All rows of the table, in its order."""
from harness.rows import (
    bridging, depth, drains, etas, idle, latency, memory, payloads, publishing, scaling, sweeps, telemetry, workflows,
)

ROOMS = (
    drains, publishing, latency, memory, etas, depth, scaling, payloads, workflows, idle, telemetry, bridging, sweeps,
)
ROWS = [row for room in ROOMS for row in room.ROWS]
