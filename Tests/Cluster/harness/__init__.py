# This source file is part of the Rollcall project.
# SPDX-License-Identifier: MIT

"""Real processes and real clients for the cluster tests."""
