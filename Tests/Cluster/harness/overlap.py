# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Duplicate service, seen from the clients' side: who got an acknowledgement of which connection when."""

from collections import defaultdict


def overlaps(acknowledgements):
    """Proofs that two connections of one user were served at the same time.

    `acknowledgements`: (user, connection, sent, received) each, times of one clock. Each says that the connection was
    served at some instant between the two times. A connection is served from its admission to its end, and one that
    lost its user never again; so if another connection was served for certain between two such instants of a first one,
    both were served at once.
    """
    by_user = defaultdict(lambda: defaultdict(list))
    for user, connection, sent, received in acknowledgements:
        by_user[user][connection].append((sent, received))
    found = []
    for user, connections in by_user.items():
        for first, served in connections.items():
            certain_start = min(received for _, received in served)
            certain_end = max(sent for sent, _ in served)
            for other, others in connections.items():
                if other == first:
                    continue
                found += [
                    (user, first, other, sent, received)
                    for sent, received in others
                    if certain_start < sent and received < certain_end
                ]
    return found
