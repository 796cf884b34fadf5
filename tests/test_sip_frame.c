/* Messages out of a byte stream: where they end, what is copied, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/frame.h"

#define START   "OPTIONS sip:b@b.example SIP/2.0\r\nCall-ID: 1@a\r\n"
#define MESSAGE START "Content-Length: 5\r\n\r\nhello"
#define EMPTY   "SIP/2.0 200 OK\r\nl:0\r\n\r\n"

static char held[CF_SIP_FRAME_BYTES];

/* What the framer says to a text, in letters: m message, i ping, o pong, + more, ! fault. */
struct said {
    char letters[64];
    size_t lens[64];
    const char *last;
    enum cf_sip_frame_fault fault;
};

static void say(struct cf_sip_framer *f, struct said *s, const char *text, size_t len)
{
    static const char letters[] = {[CF_SIP_FRAME_MORE] = '+',
                                   [CF_SIP_FRAME_MESSAGE] = 'm',
                                   [CF_SIP_FRAME_PING] = 'i',
                                   [CF_SIP_FRAME_PONG] = 'o',
                                   [CF_SIP_FRAME_FAULT] = '!'};
    const char *at = text;
    enum cf_sip_frame_what what;
    do {
        struct cf_sip_frame frame = {0};
        what = cf_sip_framer_next(f, &at, text + len, &frame);
        const size_t n = strlen(s->letters);
        assert_true(n < sizeof(s->letters) - 1);
        s->letters[n] = letters[what];
        s->lens[n] = frame.len;
        if (what == CF_SIP_FRAME_MESSAGE)
            s->last = frame.bytes;
        assert_true(cf_sip_framer_check(f));
    } while (what != CF_SIP_FRAME_MORE && what != CF_SIP_FRAME_FAULT);
    assert_true(what == CF_SIP_FRAME_FAULT || at == text + len);
    s->fault = f->fault;
}

static struct said said_to(const char *text)
{
    struct cf_sip_framer f;
    struct said s = {0};
    cf_sip_framer_init(&f, held);
    say(&f, &s, text, strlen(text));
    return s;
}

static void assert_fault(const char *text, enum cf_sip_frame_fault fault)
{
    const struct said s = said_to(text);
    if (s.fault != fault)
        fail_msg("'%s' instead of '%s' for:\n%s", cf_sip_frame_fault_text(s.fault), cf_sip_frame_fault_text(fault),
                 text);
}

static void whole_messages_are_not_copied(void **state)
{
    (void)state;
    static const char text[] = MESSAGE EMPTY MESSAGE;
    struct said s = said_to(text);
    assert_string_equal(s.letters, "mmm+");
    assert_int_equal(s.lens[0], sizeof(MESSAGE) - 1);
    assert_int_equal(s.lens[1], sizeof(EMPTY) - 1);
    assert_ptr_equal(s.last, text + sizeof(MESSAGE EMPTY) - 1);
}

static void a_message_in_two_pieces_is_put_together(void **state)
{
    (void)state;
    static const char text[] = MESSAGE EMPTY;
    for (size_t cut = 1; cut < sizeof(MESSAGE) - 1; cut++) {
        struct cf_sip_framer f;
        struct said s = {0};
        cf_sip_framer_init(&f, held);
        say(&f, &s, text, cut);
        assert_string_equal(s.letters, "+");
        assert_true(cf_sip_framer_inside(&f));
        say(&f, &s, text + cut, sizeof(text) - 1 - cut);
        assert_string_equal(s.letters, "+mm+");
        assert_int_equal(s.lens[1], sizeof(MESSAGE) - 1);
        assert_memory_equal(held, text, sizeof(MESSAGE) - 1);
        assert_ptr_equal(s.last, text + sizeof(MESSAGE) - 1); /* the second was whole, and not copied */
        assert_false(cf_sip_framer_inside(&f));
    }
}

static void forms_of_content_length_are_read(void **state)
{
    (void)state;
    static const char *const good[] = {
        START "Content-Length: 5\r\n\r\nhello",
        START "content-length:5\r\n\r\nhello",
        START "CONTENT-LENGTH \t: 005 \r\n\r\nhello",
        START "l: 5\r\n\r\nhello",
        START "L :5\r\nX: y\r\n\r\nhello",
        START "Content-Length:\r\n 5\r\n\r\nhello",
        START "Content-Length: \r\n\t5\r\n \r\n\r\nhello",
        "SIP/2.0 200 OK\nl: 5\n\nhello",
        START "X: a\r\n l: 7\r\nl: 5\r\n\r\nhello", /* a folded line is no header */
        START "Language: 9\r\nContent-Lengthy: 9\r\nl: 5\r\n\r\nhello",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct said s = said_to(good[i]);
        if (strcmp(s.letters, "m+") != 0 || s.lens[0] != strlen(good[i]))
            fail_msg("'%s', %zu bytes, for:\n%s", s.letters, s.lens[0], good[i]);
    }
}

static void a_stream_that_cannot_be_read_on_is_a_fault(void **state)
{
    (void)state;
    assert_fault(START "\r\n", CF_SIP_FRAME_NO_LENGTH);
    assert_fault("OPTIONS sip:b SIP/2.0\r\n\r\n", CF_SIP_FRAME_NO_LENGTH);
    assert_fault(START "Content-Length:\r\n\r\n", CF_SIP_FRAME_BAD_LENGTH);
    assert_fault(START "Content-Length: -1\r\n\r\n", CF_SIP_FRAME_BAD_LENGTH);
    assert_fault(START "Content-Length: 5 5\r\n\r\nhello", CF_SIP_FRAME_BAD_LENGTH);
    assert_fault(START "Content-Length: 5\r\n 5\r\n\r\nhello", CF_SIP_FRAME_BAD_LENGTH);
    assert_fault(START "Content-Length: 4294967296\r\n\r\n", CF_SIP_FRAME_BAD_LENGTH);
    assert_fault(START "l: 5\r\nContent-Length: 5\r\n", CF_SIP_FRAME_BAD_LENGTH);
    assert_fault(START "Content-Length: 65535\r\n\r\n", CF_SIP_FRAME_TOO_LONG);
    assert_fault(START "Content-Length: 4294967295\r\n\r\n", CF_SIP_FRAME_TOO_LONG);
    assert_fault(START "X: a\x01\r\n", CF_SIP_FRAME_CONTROL_BYTE);
    assert_fault(START "X: a\rb\r\n", CF_SIP_FRAME_CONTROL_BYTE);
    assert_fault("\x16\x03\x01", CF_SIP_FRAME_CONTROL_BYTE);
    assert_fault("GET / HTTP/1.1\r\n", CF_SIP_FRAME_NOT_SIP);
    assert_fault("\r\n\rOPTIONS", CF_SIP_FRAME_NOT_SIP);
    assert_fault("hello\r\n", CF_SIP_FRAME_NOT_SIP);
    assert_fault(MESSAGE "\nOPTIONS", CF_SIP_FRAME_NOT_SIP);
    assert_fault("OPTIONS sip:b SIP/9.7 \r\n", CF_SIP_FRAME_NONE); /* the scanner's matter */
}

static void a_fault_stays(void **state)
{
    (void)state;
    struct cf_sip_framer f;
    struct said s = {0};
    cf_sip_framer_init(&f, held);
    say(&f, &s, "hello\r\n", 7);
    say(&f, &s, MESSAGE, sizeof(MESSAGE) - 1);
    assert_string_equal(s.letters, "!!");
}

static void keepalives_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(said_to("\r\n\r\n").letters, "i+");
    assert_string_equal(said_to("\r\n").letters, "+"); /* it may become a ping */
    assert_string_equal(said_to("\r\n" MESSAGE).letters, "om+");
    assert_string_equal(said_to(MESSAGE "\r\n\r\n\r\n\r\n\r\n" EMPTY "\r\n").letters, "miiom+");
}

static void headers_and_messages_are_bounded(void **state)
{
    (void)state;
    char *text = malloc(2 * CF_SIP_FRAME_BYTES);
    struct cf_sip_framer f;
    struct said s = {0};
    /* The longest message there may be, in pieces. */
    int head = snprintf(text, 200, START "l: %5u\r\n\r\n", 0u);
    snprintf(text, 200, START "l: %5u\r\n\r\n", (unsigned)(CF_SIP_FRAME_BYTES - head));
    memset(text + head, 'x', CF_SIP_FRAME_BYTES - (size_t)head);
    cf_sip_framer_init(&f, held);
    for (size_t at = 0, len; at < CF_SIP_FRAME_BYTES; at += len) {
        len = CF_SIP_FRAME_BYTES - at < 4096 ? CF_SIP_FRAME_BYTES - at : 4096;
        say(&f, &s, text + at, len);
    }
    assert_non_null(strstr(s.letters, "+m+"));
    assert_memory_equal(held, text, CF_SIP_FRAME_BYTES);
    /* Headers that end with the last byte they may have; then one byte more. */
    for (int more = 0; more < 2; more++) {
        const size_t header = CF_SIP_FRAME_HEADER_BYTES + (size_t)more;
        head = snprintf(text, 200, START "l:0\r\nX: ");
        memset(text + head, 'x', header);
        memcpy(text + header - 4, "\r\n\r\n", 4);
        for (size_t cut = 1; cut < header; cut += 5000) {
            s = (struct said){0};
            cf_sip_framer_init(&f, held);
            say(&f, &s, text, cut);
            if (s.fault == CF_SIP_FRAME_NONE)
                say(&f, &s, text + cut, header - cut);
            assert_int_equal(s.fault, more ? CF_SIP_FRAME_HEADER_LONG : CF_SIP_FRAME_NONE);
            assert_string_equal(s.letters, more ? "+!" : "+m+");
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages_are_not_copied),
        cmocka_unit_test(a_message_in_two_pieces_is_put_together),
        cmocka_unit_test(forms_of_content_length_are_read),
        cmocka_unit_test(a_stream_that_cannot_be_read_on_is_a_fault),
        cmocka_unit_test(a_fault_stays),
        cmocka_unit_test(keepalives_are_told_apart),
        cmocka_unit_test(headers_and_messages_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
