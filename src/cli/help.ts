/** The words of `fencepost --help`; the README holds the same text, and a test compares them. */
export const HELP = `fencepost reviews Linux kernel patch series for concurrency.

Usage:
  fencepost review [INPUT...]      review notes
  fencepost check [INPUT...]       the pre-send check: one line a finding, exit 1 if there is any
  fencepost scan PATH...           C files and folders of them as they stand: one line a finding
  fencepost show [--json] INPUT... what was read: series, versions, order, gaps, trailers, replies
  fencepost events [--json] INPUT|FILE.c...  what the code does: line, kind, cell, ordering, locks held
  fencepost litmus [--json] [--states] FILE...  decide litmus tests under the Linux-kernel memory model, in herd7's words
  fencepost rules [--json]         the rules it knows
  fencepost explain RULE           what a rule says, why, and its examples
  fencepost explain FINGERPRINT INPUT...  how a finding was lowered and decided

INPUT is a file (mbox, mail, patch or saved page, also .gz), a maildir, a folder of patches, or - for stdin.

Options of review, check and scan (-o and --fail-on not of scan):
  --format notes|lines|json        how findings are written (review: notes; check, scan: lines)
  -o FILE                          write them to FILE
  --rule ID                        only this rule; may be given again
  --fail-on error|warning|note|never  exit 1 at this severity or above (review: never; check: warning)
  --tree DIR                       the kernel tree it is for, read only: whole files in place of hunks, helpers and callers known
                                   (of events too)
  --litmus DIR                     write the litmus tests of the findings there, as herd7 reads them (review, check)
  --facts FILE                     what you declare of the code: wrappers, invariants (YAML); may be given again
  --all                            show also what was held back, and why

  --help, --version

Exit: 0 nothing at or above the gate, 1 findings, 2 an input could not be opened or the tool failed.
Findings go to stdout, all else to stderr. It needs no network and no kernel tree, and runs nothing of what it reads.
`;
