// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What stands for an attachment in a packet's JSON: `{"_placeholder":true,"num":0}`.
enum JSONPlaceholder {
    static let key = "_placeholder"
    static let numberKey = "num"
    /// What is written in front of the number.
    static let prefix: StaticString = #"{"_placeholder":true,"num":"#
    /// The length of a placeholder at most.
    static let maximumLength = 48
}
