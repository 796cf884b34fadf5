/* Who is in a conference, by the documents of its focus: those that are, and those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/roster.h"

static struct cf_sip_roster roster;

#define OPEN  "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"sip:c@h\" state=\""
#define USERS "\"><users>"
#define CLOSE "</users></conference-info>"

/* "USER ENDPOINT +" of each, - for who is not there; and whether the document is full. */
static void reads(const char *document, bool full, const char *wanted)
{
    char got[1024] = "";
    if (!cf_sip_roster_read(document, strlen(document), 1, &roster))
        fail_msg("not read: %s", document);
    for (unsigned i = 0; i < roster.count; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s %s %c ", roster.attendee[i].user,
                 roster.attendee[i].endpoint, roster.attendee[i].here ? '+' : '-');
    assert_string_equal(got, wanted);
    assert_int_equal(roster.full, full);
}

static void refuses(const char *document, size_t len)
{
    if (cf_sip_roster_read(document, len, 1, &roster))
        fail_msg("read: %.80s", document);
}

static void documents_that_tell(void **state)
{
    (void)state;
    reads(OPEN
          "full" USERS
          "<user entity=\"sip:a@h\"><endpoint entity=\"sip:a@pc\"><status>connected</status></endpoint></user>" CLOSE,
          true, "sip:a@h sip:a@pc + ");
    reads(OPEN "partial" USERS "<user entity=\"sip:a@h\" state=\"deleted\"/>" CLOSE, false, "sip:a@h  - ");
    reads(OPEN "full\"><users state=\"partial\"><user entity=\"sip:a@h\"/>" CLOSE, false, "sip:a@h  + ");
    reads(OPEN
          "partial" USERS
          "<user entity=\"sip:a@h\"><endpoint entity=\"sip:a@1\"><status> disconnected\n</status></endpoint>"
          "<endpoint entity=\"sip:a@2\" state=\"deleted\"/><endpoint><status>on-hold</status></endpoint></user>" CLOSE,
          false, "sip:a@h sip:a@1 - sip:a@h sip:a@2 - sip:a@h  + ");
    reads(OPEN "full\"><conference-description><subject>users</subject></conference-description></conference-info>",
          false, "");
    /* a prefix; another namespace's elements, which mean nothing; escapes */
    reads("<c:conference-info xmlns:c=\"urn:ietf:params:xml:ns:conference-info\" xmlns:x=\"urn:x\"><c:users>"
          "<x:user entity=\"sip:x@h\"/><c:user entity=\"sip:a&amp;b@h\"><x:endpoint entity=\"sip:x@h\"/>"
          "<c:endpoint "
          "entity=\"sip:a@1\"><x:status>disconnected</x:status></c:endpoint></c:user></c:users></c:conference-info>",
          true, "sip:a&b@h sip:a@1 + ");
    reads("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x -->\n" OPEN "full" USERS "<user/>" CLOSE "\n", true,
          "  + ");
}

static void documents_that_are_none(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "x",
        "<users/>",
        "<conference-info/>",
        OPEN "full" USERS,
        OPEN "full" USERS "<user></users></user></conference-info>",
        OPEN "full" USERS CLOSE "<more/>",
        "<!DOCTYPE c [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>" OPEN "full" USERS
        "<user entity=\"&b;\"/>" CLOSE,
        "<!DOCTYPE c SYSTEM \"file:///etc/passwd\">" OPEN "full" USERS CLOSE,
        OPEN "full" USERS "<user entity=\"&undefined;\"/>" CLOSE,
        OPEN "full" USERS "<user entity=\"\xff\"/>" CLOSE,
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        refuses(table[i], strlen(table[i]));
    refuses(OPEN "full" USERS CLOSE "\0", strlen(OPEN "full" USERS CLOSE) + 1);
}

/* One attendee more, one level deeper, one byte longer than there is room for; and the next document is read as the first. */
static void documents_without_end(void **state)
{
    (void)state;
    static char text[CF_SIP_ROSTER_BYTES_MAX + 100];
    for (unsigned users = CF_SIP_ATTENDEES_MAX; users <= CF_SIP_ATTENDEES_MAX + 1; users++) {
        size_t len = (size_t)snprintf(text, sizeof(text), "%s", OPEN "full" USERS);
        for (unsigned i = 0; i < users; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "<user entity=\"sip:%u@h\"/>", i);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", CLOSE);
        assert_int_equal(cf_sip_roster_read(text, len, 1, &roster), users == CF_SIP_ATTENDEES_MAX);
    }
    for (unsigned depth = 15; depth <= 16; depth++) {
        size_t len = (size_t)snprintf(text, sizeof(text), "%s", OPEN "full\">");
        for (unsigned i = 0; i < depth; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "<x>");
        for (unsigned i = 0; i < depth; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "</x>");
        len += (size_t)snprintf(text + len, sizeof(text) - len, "</conference-info>");
        assert_int_equal(cf_sip_roster_read(text, len, 1, &roster), depth == 15);
    }
    memset(text, '<', sizeof(text));
    refuses(text, CF_SIP_ROSTER_BYTES_MAX);
    refuses(text, CF_SIP_ROSTER_BYTES_MAX + 1);
    /* as many names of attributes, and of elements, as fit */
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", OPEN "full\" ");
    for (unsigned i = 0; len < CF_SIP_ROSTER_BYTES_MAX - 100; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "a%u='' ", i);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "/>");
    cf_sip_roster_read(text, len, 1, &roster);
    reads(OPEN "full" USERS "<user entity=\"sip:a@h\"/>" CLOSE, true, "sip:a@h  + ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_that_tell),
        cmocka_unit_test(documents_that_are_none),
        cmocka_unit_test(documents_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
