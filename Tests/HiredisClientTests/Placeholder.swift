// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT
