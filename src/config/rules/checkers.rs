//! Findings about checkers.
super::rules! {
    LINK_LOCAL = error(601, "{address} is link-local and can be reached through one interface only", "name it: `bind_if eth0`");
    BINDTO_FAMILY = error(602, "bindto {from} and {to} are of different address families", "bindto is the address of this machine to connect from");
    MISC_WITHOUT_PATH = error(603, "MISC_CHECK has no misc_path", "add `misc_path \"/path/to/script\"`");
    MISC_SURPLUS = warning(604, "words behind the command are ignored", "put the whole command in double quotes: misc_path \"{command} ...\"");
    DNS_NAME = error(605, "`{name}` is not a domain name", "labels have 1 to 63 characters");
    REPLY_PATTERN = error(606, "`{value}` is not hexadecimal", "use digits 0-9 and a-f, and x for any digit");
    DIGEST = warning(607, "`{value}` is not an MD5 digest: no page has it, and the server stays down", "it has 32 hexadecimal digits: `curl -s URL | md5sum` prints it");
    STATUS_CODE = error(608, "`{value}` is not a status code or range of them", "write 200, or 200-299, within 100 to 599");
    NO_URL = error(609, "this check has no url", "add `url {{ path / }}`, each word and brace on its line");
    NO_PATH = error(610, "this url has no path", "add `path /`");
    SNI_WITHOUT_NAME = warning(611, "there is no name to send in the TLS handshake", "add `virtualhost NAME` or `sni_name NAME`");
    REGEX = error(612, "this pattern is not understood: {why}", "");
    OUTSIDE_URL = error(614, "`{word}` stands outside of a url", "put it in a url block of {block}:\nurl {{\n    path /\n}}");
    REGEX_OPTION = warning(613, "the option `{option}` has no effect", "remove it");
    FILE_WITHOUT_NAME = error(680, "FILE_CHECK has no track_file", "add `track_file NAME`, and `track_file NAME {{ file \"/path\" }}` outside of the service");
    BFD_WITHOUT_NAME = error(681, "BFD_CHECK has no name", "add `name NAME` of a bfd_instance");
}
