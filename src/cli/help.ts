/** The words of `--help`; a file of its own, loaded only where they are asked for. */

/** `fencepost --help`; the README holds the same text, and a test compares them. */
export const HELP = `fencepost reviews Linux kernel patch series for concurrency.

Usage:
  fencepost review [INPUT|RANGE...]
                                review notes
  fencepost check [INPUT|RANGE...]
                                the pre-send check: one line a finding, exit 1
                                if there is a warning or an error
  fencepost scan PATH...        C files and folders of them as they stand
  fencepost show INPUT...       what was read: series, versions, order, missing
                                patches, trailers, replies
  fencepost events INPUT...     what the code does: line, kind, cell, ordering,
                                locks held; --why LINE: why they count as held
  fencepost litmus FILE...      decide litmus tests under the Linux-kernel
                                memory model, in herd7's words
  fencepost rules               the rules it knows
  fencepost explain RULE        what a rule says, why, and its examples
  fencepost explain FINGERPRINT INPUT...
                                how a finding was lowered and decided
  fencepost b4-agent            reviews the branch of b4's review command
  fencepost hook install|uninstall|run
                                git send-email's sendemail-validate
  fencepost baseline update FILE INPUT...
                                make FILE the list of accepted findings
  fencepost COMMAND --help      options and examples of a command

INPUT is a file (mbox, mail, patch or saved page, also .gz), a maildir, a
folder of mails or patches, or - for stdin. Files that one run of git
format-patch wrote (000*.patch) are one series and one INPUT. RANGE is what git
knows as commits: HEAD~3.., a branch, one commit.

Options of review, check and scan:
  --format notes|lines|json|mail|b4|b4-json
                             how findings are written (review: notes; check,
                             scan: lines; scan has the first three); mail: an
                             mbox of draft replies
  -o FILE, --output FILE     write them to FILE
  --rule RULE                only this rule; may be given again
  --fail-on error|warning|note|never
                             exit 1 at this severity or above (check: warning;
                             review, scan: never)
  --tree DIR                 the kernel tree that the patches are for, read
                             only: files are seen whole, and helpers and
                             callers are known (events, explain too)
  --facts FILE               what you declare of the code: wrappers,
                             invariants (YAML); may be given again (events too)
  --config FILE, --no-config the configuration; else fencepost.yaml of this
                             folder or of the nearest above it
  --baseline FILE            findings that are accepted, each with a reason
  --litmus DIR               write the litmus tests of the findings there, as
                             herd7 reads them (review, check)
  --all                      show also what was held, and why
  --color auto|always|never, --no-color
  --no-pager                 notes longer than the terminal are paged as git
                             does (FENCEPOST_PAGER, PAGER, less)

  --help, --version

Held: a finding that is not reported, with the reason: no execution shows it,
or it is there before the series as well, or your facts, configuration or
baseline rule it out.
Partly seen: a function of which the patch shows only some lines; --tree shows
the rest.

Exit: 0 nothing at or above the gate, 1 findings, 2 an input could not be
opened or is not a mail or patch, an option or a file of yours is wrong, or
fencepost failed. Findings go to stdout, all else to stderr. fencepost uses no
network, needs no kernel tree, and runs nothing of what it reads.
`;

const INPUT = `INPUT is a file (mbox, mail, patch or saved page, also .gz), a maildir, a
folder of mails or patches, or - for stdin. Files that one run of git
format-patch wrote are one series and one INPUT.`;

const RANGE = `RANGE is what git knows as commits and what is no path: A..B, HEAD~3.., one
commit, or a branch (what it holds that HEAD does not; the branch you are on:
that its upstream does not). The tree of the commit before them is the --tree.`;

const FINDINGS = `  -o FILE, --output FILE     write the findings to FILE
  --rule RULE                only this rule; may be given again
  --tree DIR                 the kernel tree that the code is for, read only
  --facts FILE               what you declare of the code (YAML); may be given
                             again
  --config FILE, --no-config the configuration (fencepost.yaml, found upwards)
  --baseline FILE            findings that are accepted, each with a reason
  --all                      show also what was held, and why
  --color auto|always|never  colours; auto: on a terminal, unless NO_COLOR is
                             set. --no-color is never
  --no-pager                 write long notes to the terminal as they are`;

const LITMUS = '  --litmus DIR               write the litmus tests of the findings there';

/** `fencepost COMMAND --help`. */
export const COMMAND_HELP: Record<string, string> = {
  review: `fencepost review [OPTIONS] [INPUT|RANGE...]

Writes review notes on a patch series, with the execution that breaks the code
where there is one. Ends, on stderr, with how much was understood and with what
was found. Without an INPUT it reads stdin, on a terminal @{upstream}..HEAD.

${INPUT}

${RANGE}

  --format notes|lines|json|mail|b4|b4-json
                             how findings are written (notes); mail: an mbox of
                             draft replies; b4, b4-json: for the checks of b4
  --fail-on error|warning|note|never
                             exit 1 at this severity or above (never)
${FINDINGS}
${LITMUS}

Held: a finding that is not reported, with the reason. Partly seen: a function
of which the patch shows only some lines.

Examples:
  fencepost review t.mbox.gz
  fencepost review --tree ~/linux --all v2-000*.patch
`,
  check: `fencepost check [OPTIONS] [INPUT|RANGE...]
fencepost check [OPTIONS] --staged|--worktree

The check before sending: one line a finding, \`path:line: SEVERITY: text\`, and
exit 1 if there is a warning or an error. A patch that git would refuse is an
error too. Without an INPUT it reads stdin, on a terminal @{upstream}..HEAD.

${INPUT}

${RANGE}

  --staged, --worktree       what is not committed yet: the index, or the
                             files, against HEAD

  --format notes|lines|json|mail|b4|b4-json
                             how findings are written (lines); b4, b4-json:
                             for the checks of b4, with nothing on stderr
  --cache-key WORD           ignored; b4 keeps results by the command line, so
                             that another WORD makes it check again
  --fail-on error|warning|note|never
                             exit 1 at this severity or above (warning)
${FINDINGS}
${LITMUS}

Examples:
  fencepost check 000*.patch
  fencepost check origin..
`,
  scan: `fencepost scan [OPTIONS] PATH...

Reads C files, and folders of them, as they stand, as checkpatch -f does: one
line a finding, and a summary on stderr. Nothing is taken for new code.

  --format notes|lines|json  how findings are written (lines)
  --fail-on error|warning|note|never
                             exit 1 at this severity or above (never)
${FINDINGS}

Examples:
  fencepost scan drivers/net/ethernet/foo.c
  fencepost scan --tree . --fail-on warning -o found.txt drivers/net
`,
  show: `fencepost show [--json] [INPUT...]

Shows what was read of a thread: series and their versions, patches in order
and those that are missing, trailers, replies.

${INPUT}

  --json   one JSON document a line and INPUT

Examples:
  fencepost show t.mbox.gz
  fencepost show --json 000*.patch
`,
  events: `fencepost events [--json] [--why LINE] [--tree DIR] [--facts FILE]
                 INPUT|FILE.c...

Shows what the code does as the rules see it: for each event its line, kind,
function, cell, ordering, and the locks held there. A C file is read as it
stands; of a series, the code as the series leaves it.

${INPUT}

  --json       one JSON document a line and INPUT
  --tree DIR   the kernel tree that the code is for, read only
  --facts FILE what you declare of the code (YAML), besides what the tree and
               the configuration declare; may be given again
  --config FILE, --no-config
               the configuration; else fencepost.yaml of this folder or of the
               nearest above it
  --why LINE   why each lock and context counts as held at that line, or why
               not: what acquired it, what it is kept over, where it is lost;
               PATH:LINE where INPUT shows several files

Examples:
  fencepost events --why 42 kernel/foo.c
  fencepost events --tree . 0001-foo.patch
`,
  litmus: `fencepost litmus [--json] [--states] [--time] FILE...

Decides litmus tests under the Linux-kernel memory model (tools/memory-model),
in herd7's words. FILE may be - for stdin.

  --json     one JSON document a line and FILE
  --states   the final states in the JSON too; the text always has them
  --time     say how long each test took

Examples:
  fencepost litmus MP+pooncerelease+poacquireonce.litmus
  fencepost litmus --json --states *.litmus
`,
  rules: `fencepost rules [--json]

Lists the rules: name, severity, title. With --json also why each is there,
its references, what it misses, and its examples.

Examples:
  fencepost rules
  fencepost rules --json
`,
  explain: `fencepost explain RULE
fencepost explain [OPTIONS] FINGERPRINT INPUT|RANGE...

Explains a rule: why it is there, what it cites, what it misses, its examples.
Or explains a finding: how its claim was lowered to threads, and what the
checker decided. Give the options that the finding was found with.

${INPUT}

${RANGE}

  --tree DIR     the kernel tree that the patches are for, read only
  --facts FILE   what you declare of the code (YAML); may be given again
  --config FILE, --no-config   the configuration that names facts

Examples:
  fencepost explain torn-pair-update
  fencepost explain 3c3e5751 t.mbox.gz
`,
  baseline: `fencepost baseline update [OPTIONS] FILE INPUT...

Makes FILE, which is made where it is not there, the list of what INPUT shows:
mails as check reads them, C files and folders of them as scan does. What is
written under \`reason\` is kept. An entry is dropped, and named, where its
function was read and shows no such finding; entries of other code stay.

${INPUT}

  --tree DIR     the kernel tree that the code is for, read only
  --facts FILE   what you declare of the code (YAML); may be given again
  --config FILE, --no-config   the configuration, else fencepost.yaml of this
                 folder or of the nearest above it

Examples:
  fencepost baseline update known.yaml outgoing/
  fencepost baseline update --tree . known.yaml drivers/net/ethernet/foo
`,
  'b4-agent': `fencepost b4-agent [--facts FILE] [--config FILE | --no-config]

Reviews the branch that b4's review command has checked out, and leaves the
review where b4 looks for that of its agent: .git/b4-review/COMMIT/. No model
is asked. The sentence that b4 adds to the command line is ignored.

  --facts FILE   what you declare of the code (YAML); may be given again
  --config FILE  the configuration; without it fencepost.yaml here or above,
                 unless the patches under review change it
  --no-config    no configuration

Examples:
  git config --global b4.review-agent-command "fencepost b4-agent"
  git switch b4/review/CHANGE-ID && fencepost b4-agent
`,
  hook: `fencepost hook install [OPTIONS]
fencepost hook uninstall
fencepost hook run [OPTIONS] -- FILE

Has git send-email check a series before it sends any of it: all findings are
listed, and nothing is sent if there is a warning or an error. OPTIONS are
those of check. A hook that is there already is kept and run first; uninstall
restores it. run is what the hook calls, once for each FILE; it reviews at the
last. \`git send-email --no-validate\` sends all the same.

Examples:
  fencepost hook install
  fencepost hook install --fail-on error
`,
};
