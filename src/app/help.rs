//! What `--help` says behind the options: examples, exit codes, what is worth knowing.

pub(super) const PROGRAM: &str = "\
Without a command, keepalived's own options do what they do there: `ldirector -D -f FILE` starts the \
daemon in the background, with -n in the foreground.

Examples:
  ldirector check /etc/keepalived/keepalived.conf
  ldirector run -f /etc/keepalived/keepalived.conf
  ldirector status

Manual: ldirector(8), ldirector.conf(5). `ldirector COMMAND --help` tells more of a command.";

pub(super) const RUN: &str = "\
Without -f, /etc/keepalived/keepalived.conf is taken, else /etc/ldirector/ldirector.conf. A file \
with errors is refused: exit code 2. SIGHUP applies a changed file, SIGTERM ends.

LDIRECTOR_LOG=debug in the environment logs more.";

pub(super) const CHECK: &str = "\
Examples:
  ldirector check
  ldirector check --fix --dry-run keepalived.conf
  ldirector check --deny warnings --format github etc/*.conf
  ldirector check --probe

Exit codes: 0 no errors; 1 errors (with `--deny warnings` also warnings); 2 a file cannot be read \
or written, or wrong usage.

Without FILE, the file that the daemon would take is checked.

With --probe a line tells of each thing that was looked at: ok, bad, or ? where it could not be. What \
is bad is a finding like those of the text, and counts for the exit code.

A comment `# ldirector: allow(LD0117)` in the file silences a warning or a note on its own line or, \
standing alone, on the next.";

pub(super) const EXPLAIN: &str = "\
Examples:
  ldirector explain LD0407
  ldirector explain --lang zh LD0407 LD0102";

pub(super) const KEYWORDS: &str = "\
Examples:
  ldirector keywords advert_int
  ldirector keywords vrrp_instance real_server

ldirector.conf(5) has them all on one page.";

pub(super) const STATUS: &str = "\
Examples:
  ldirector status
  ldirector status --json | jq .";

pub(super) const RELOAD: &str = "\
Exit codes: 0 the changed file is in force; 1 it is refused, or no daemon answers: everything runs on \
as before.";

pub(super) const STOP: &str = "\
Exit codes: 0 it has ended, addresses and services are released; 1 no daemon answers.";

pub(super) const PLAN: &str = "\
Exit codes: 0 the kernel holds what the file says; 2 it differs; 1 this could not be found out, or \
wrong usage; 3 the file cannot be read or has errors.

Compares virtual servers, real servers, weights, timeouts, sync daemons, addresses, routes and \
rules. Where ldirector runs it is asked: what its checkers have taken out is no difference, and \
addresses count only where it is master. Services of others are never touched.

It takes root, or CAP_NET_ADMIN, to read the IPVS table.";

pub(super) const IMPORT: &str = "\
What has no counterpart becomes a comment, and a warning with its line on standard error.

  ldirector import ldirectord.cf /etc/ha.d/ldirectord.cf > keepalived.conf
  ipvsadm-save -n | ldirector import ipvsadm-save > keepalived.conf

Exit codes: 0 written, whatever the warnings; 1 the file is of another kind; 2 it cannot be read.";

pub(super) const GENHASH: &str = "\
Example:
  ldirector genhash -s 192.0.2.11 -p 80 -u /health";
