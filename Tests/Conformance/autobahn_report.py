# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Adds up reports of Autobahn's fuzzing client: autobahn_report.py [--expect N | --late] index.json…

A case that is in several reports counts as in the last. With --late only the cases are printed that are good but for the
server having closed the connection too late.

Exit status 1 if a case's behaviour or its closing is neither OK nor INFORMATIONAL, or if there are not N cases.
"""

import argparse
import collections
import json
import sys

GOOD = {"OK", "INFORMATIONAL"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expect", type=int, help="how many cases there must be")
    parser.add_argument("--late", action="store_true")
    parser.add_argument("reports", nargs="+")
    arguments = parser.parse_args()

    cases = {}
    for path in arguments.reports:
        with open(path, encoding="utf-8") as file:
            for agent in json.load(file).values():
                cases.update(agent)

    if arguments.late:
        for name, case in cases.items():
            if case["behavior"] in GOOD and case["behaviorClose"] == "FAILED BY CLIENT":
                print(name)
        return 0

    bad = {name: case for name, case in cases.items() if not {case["behavior"], case["behaviorClose"]} <= GOOD}
    for name, case in sorted(bad.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
        print(f"{name}: {case['behavior']}, closing {case['behaviorClose']} ({case.get('remoteCloseCode')})")
    counts = collections.Counter(case["behavior"] for case in cases.values())
    categories = collections.Counter(name.split(".")[0] for name in cases)
    summary = ", ".join(f"{count} {behavior}" for behavior, count in counts.most_common())
    spread = ", ".join(f"{count} of {name}" for name, count in sorted(categories.items(), key=lambda item: int(item[0])))
    print(f"Autobahn: {len(cases)} cases ({spread}): {summary or 'none'}; {len(bad)} not good enough")
    if not cases or (arguments.expect is not None and len(cases) != arguments.expect):
        print(f"there should be {arguments.expect or 'some'}")
        return 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
