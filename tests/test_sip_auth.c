/* Digest authentication: the RFCs' own values, challenges of every shape, who is let in, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "adapters/sip/auth.h"

#define PIECE(literal)                                                                                                 \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
#define HEAD "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: 1\r\n"

/* A message is scanned where it stands, so both live together. */
struct message {
    char text[8000];
    struct cf_sip_msg msg;
};

static void make(struct message *m, const char *start, const char *method, const char *headers)
{
    snprintf(m->text, sizeof(m->text), "%s\r\n" HEAD "CSeq: 1 %s\r\n%s\r\n", start, method, headers);
    assert_int_equal(cf_sip_scan(&m->msg, m->text, strlen(m->text)), CF_SIP_ERROR_OK);
}

/* ---- the response value */

static void the_examples_of_the_rfcs_come_out(void **state)
{
    (void)state;
#define NONCE_2617  PIECE("dcd98b7102dd2f0e8b11d0f600bfb0c093")
#define NONCE_7616  PIECE("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v")
#define CNONCE_7616 PIECE("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    static const struct {
        struct cf_sip_digest digest;
        const char *hex;
    } table[] = {
        /* RFC 2617 3.5 */
        {{CF_SIP_ALGORITHM_MD5, PIECE("Mufasa"), PIECE("testrealm@host.com"), PIECE("Circle Of Life"), PIECE("GET"),
          PIECE("/dir/index.html"), NONCE_2617, PIECE("auth"), PIECE("00000001"), PIECE("0a4f113b")},
         "6629fae49393a05397450978507c4ef1"},
        /* RFC 2069 2.4, as its erratum has it: no qop */
        {{CF_SIP_ALGORITHM_MD5, PIECE("Mufasa"), PIECE("testrealm@host.com"), PIECE("CircleOfLife"), PIECE("GET"),
          PIECE("/dir/index.html"), NONCE_2617, PIECE(""), PIECE(""), PIECE("")},
         "1949323746fe6a43ef61f9606e7febea"},
        /* RFC 7616 3.9.1, which RFC 8760 takes over for SIP */
        {{CF_SIP_ALGORITHM_MD5, PIECE("Mufasa"), PIECE("http-auth@example.org"), PIECE("Circle of Life"), PIECE("GET"),
          PIECE("/dir/index.html"), NONCE_7616, PIECE("auth"), PIECE("00000001"), CNONCE_7616},
         "8ca523f5e9506fed4657c9700eebdbec"},
        {{CF_SIP_ALGORITHM_SHA256, PIECE("Mufasa"), PIECE("http-auth@example.org"), PIECE("Circle of Life"),
          PIECE("GET"), PIECE("/dir/index.html"), NONCE_7616, PIECE("auth"), PIECE("00000001"), CNONCE_7616},
         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char hex[CF_SIP_DIGEST_HEX_MAX];
        assert_int_equal(cf_sip_digest_hex(&table[i].digest, hex), strlen(table[i].hex));
        assert_memory_equal(hex, table[i].hex, strlen(table[i].hex));
    }
}

/* ---- as a client */

static void the_best_challenge_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *realm; /* asked for; NULL: any */
        const char *nonce; /* NULL: none can be answered */
        enum cf_sip_algorithm algorithm;
        bool qop, stale, named;
        const char *opaque; /* NULL: not given */
    } table[] = {
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"\r\n", NULL, "n1", CF_SIP_ALGORITHM_MD5, false, false,
         false, NULL},
        {"WWW-Authenticate: digest  REALM = \"r\" , NONCE=\"n1\",Algorithm=md5 ,qop=\"auth-int, auth\",stale=TRUE,"
         " opaque=\"\"\r\n",
         "r", "n1", CF_SIP_ALGORITHM_MD5, true, true, true, ""},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", algorithm=MD5\r\n"
         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth\", opaque=\"o\"\r\n"
         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\", algorithm=sha-256\r\n",
         NULL, "n2", CF_SIP_ALGORITHM_SHA256, true, false, true, "o"},
        /* several in one line, with schemes that are not ours */
        {"WWW-Authenticate: Basic realm=\"b\", Negotiate, Digest realm=\"r\", nonce=\"n1\", Digest realm=\"r\","
         "nonce=\"n2\",algorithm=SHA-256 , Bearer\r\n",
         NULL, "n2", CF_SIP_ALGORITHM_SHA256, false, false, true, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", algorithm=SHA-512-256\r\n"
         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\", algorithm=MD5-sess\r\n"
         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\", algorithm=AKAv1-MD5\r\n"
         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n4\", qop=\"auth-int\"\r\n"
         "WWW-Authenticate: Digest realm=\"r\", nonce=\"n5\", some=thing\r\n",
         NULL, "n5", CF_SIP_ALGORITHM_MD5, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"a\", nonce=\"n1\", algorithm=SHA-256\r\n"
         "WWW-Authenticate: Digest realm=\"b\", nonce=\"n2\"\r\n",
         "b", "n2", CF_SIP_ALGORITHM_MD5, false, false, false, NULL},
        /* quotes within quotes stay as they are; unquoted values are taken */
        {"WWW-Authenticate: Digest realm=\"a \\\"b\\\", c\", nonce=n2, qop=auth\r\n", NULL, "n2", CF_SIP_ALGORITHM_MD5,
         true, false, false, NULL},
        /* the one before the fault stands */
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", Digest realm=\"r\", algorithm=SHA-256, nonce=\"n2\r\n",
         NULL, "n1", CF_SIP_ALGORITHM_MD5, false, false, false, NULL},
        /* none that can be answered */
        {"", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate:\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest nonce=\"n\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", nonce=\"n\"\r\n", NULL, NULL, 0, false, false, false,
         NULL},
        {"WWW-Authenticate: Digest realm=\"r\" nonce=\"n\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\r\n o\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=n\\\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\\\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int,=,auth\"\r\n", NULL, NULL, 0, false, false,
         false, NULL},
        {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", "R", NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: realm=\"r\", nonce=\"n\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"WWW-Authenticate: Basic realm=\"r\", nonce=\"n\"\r\n", NULL, NULL, 0, false, false, false, NULL},
        {"Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", NULL, NULL, 0, false, false, false, NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct message m;
        struct cf_sip_challenge challenge;
        memset(&challenge, 0x5a, sizeof(challenge));
        make(&m, "SIP/2.0 401 Unauthorized", "INVITE", table[i].headers);
        const bool got = cf_sip_challenge_read(&m.msg, table[i].realm, &challenge);
        if (got != (table[i].nonce != NULL))
            fail_msg("row %zu: %d", i, got);
        if (!got)
            continue;
        assert_int_equal(challenge.nonce_len, strlen(table[i].nonce));
        assert_memory_equal(challenge.nonce, table[i].nonce, challenge.nonce_len);
        assert_int_equal(challenge.algorithm, table[i].algorithm);
        assert_int_equal(challenge.qop, table[i].qop);
        assert_int_equal(challenge.stale, table[i].stale);
        assert_int_equal(challenge.algorithm_named, table[i].named);
        assert_int_equal(challenge.opaque_given, table[i].opaque != NULL);
        assert_false(challenge.proxy);
        if (table[i].opaque != NULL) {
            assert_int_equal(challenge.opaque_len, strlen(table[i].opaque));
            assert_memory_equal(challenge.opaque, table[i].opaque, challenge.opaque_len);
        }
    }
}

static void texts_are_kept_up_to_their_limits(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int max;
    } table[] = {{"realm", CF_SIP_REALM_MAX}, {"nonce", CF_SIP_NONCE_MAX}, {"opaque", CF_SIP_OPAQUE_MAX}};
    for (size_t i = 0; i < 3; i++) {
        for (int over = 0; over < 2; over++) {
            char headers[1000], text[300];
            struct message m;
            struct cf_sip_challenge challenge;
            memset(text, 'x', sizeof(text));
            snprintf(headers, sizeof(headers),
                     "Proxy-Authenticate: Digest realm=\"%.*s\",nonce=\"%.*s\",opaque=\"%.*s\"\r\n",
                     i == 0 ? table[i].max + over : 1, text, i == 1 ? table[i].max + over : 1, text,
                     i == 2 ? table[i].max + over : 1, text);
            make(&m, "SIP/2.0 407 Proxy Authentication Required", "INVITE", headers);
            assert_int_equal(cf_sip_challenge_read(&m.msg, NULL, &challenge), over == 0);
            if (over != 0)
                continue;
            assert_true(challenge.proxy);
            assert_int_equal(challenge.realm_len, i == 0 ? table[i].max : 1);
            assert_int_equal(challenge.nonce_len, i == 1 ? table[i].max : 1);
            assert_int_equal(challenge.opaque_len, i == 2 ? table[i].max : 1);
        }
    }
}

static void credentials_are_written_for_each_kind_of_challenge(void **state)
{
    (void)state;
    static const struct cf_sip_credentials mufasa = {"Mufasa", "Circle of Life"};
    static const struct cf_sip_auth_use use = {.method = "GET",
                                               .uri = "/dir/index.html",
                                               .uri_len = 15,
                                               .nc = 1,
                                               .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"};
#define CHALLENGE "Digest realm=\"http-auth@example.org\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\""
#define ANSWER                                                                                                         \
    "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "                                                    \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", response=\""
#define TAIL ", qop=auth, nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\""
    static const struct {
        const char *challenge;
        bool proxy;
        const char *line;
    } table[] = {
        {CHALLENGE
         ", qop=\"auth, auth-int\", algorithm=SHA-256, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
         false,
         "Authorization: " ANSWER
         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", algorithm=SHA-256" TAIL
         ", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n"},
        {CHALLENGE ", qop=auth", true, "Proxy-Authorization: " ANSWER "8ca523f5e9506fed4657c9700eebdbec\"" TAIL "\r\n"},
        {CHALLENGE ", algorithm=MD5", false,
         "Authorization: " ANSWER "7b2cc3b30e75b4777ea31027084363fd\", algorithm=MD5\r\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[1000];
        struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text) - 1};
        struct cf_sip_challenge challenge;
        assert_true(cf_sip_challenge_choose(table[i].challenge, strlen(table[i].challenge), table[i].proxy, NULL, false,
                                            &challenge));
        assert_true(cf_sip_authorization_put(&out, &challenge, &mufasa, &use));
        text[out.len] = 0;
        assert_string_equal(text, table[i].line);
        for (size_t room = 0; room < out.len;
             room++) { /* what does not fit is said, and nothing is written behind it */
            struct cf_sip_out small = {.text = text, .bytes_max = room};
            cf_sip_authorization_put(&small, &challenge, &mufasa, &use);
            assert_true(small.full && small.len <= room);
        }
    }
}

static void what_cannot_stand_between_quotes_is_not_sent(void **state)
{
    (void)state;
    struct cf_sip_challenge challenge;
    assert_true(cf_sip_challenge_choose("Digest realm=r,nonce=n", 22, false, NULL, false, &challenge));
    static const char *const bad[] = {"a\"b", "a\\b", "a\r\nEvil: x", "a\x7f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[500];
        struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
        assert_false(cf_sip_auth_quotable(bad[i]));
        assert_false(cf_sip_authorization_put(
            &out, &challenge, &(struct cf_sip_credentials){bad[i], "p"},
            &(struct cf_sip_auth_use){.method = "INVITE", .uri = "sip:a@b", .uri_len = 7, .nc = 1, .cnonce = "c"}));
        assert_false(cf_sip_authorization_put(
            &out, &challenge, &(struct cf_sip_credentials){"u", "p"},
            &(struct cf_sip_auth_use){
                .method = "INVITE", .uri = bad[i], .uri_len = strlen(bad[i]), .nc = 1, .cnonce = "c"}));
        assert_int_equal(out.len, 0);
    }
    assert_true(cf_sip_auth_quotable("+49 30 1234@example.net"));
    assert_true(cf_sip_auth_quotable(""));
}

static void cnonces_differ_by_their_number_and_key(void **state)
{
    (void)state;
    char a[CF_SIP_CNONCE_LEN + 1], b[CF_SIP_CNONCE_LEN + 1], c[CF_SIP_CNONCE_LEN + 1];
    cf_sip_cnonce_make(&(struct cf_sip_key){{1, 2}}, 7, a);
    cf_sip_cnonce_make(&(struct cf_sip_key){{1, 2}}, 8, b);
    cf_sip_cnonce_make(&(struct cf_sip_key){{1, 3}}, 7, c);
    assert_int_equal(strlen(a), CF_SIP_CNONCE_LEN);
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
}

/* ---- as a server */

static const char *const admit[] = {"no-colon", "alice:se:cret", "bob:hunter2", "alice:second", "empty:"};
static const struct cf_sip_guard guard = {
    .secret = {{0x0123456789abcdefu, 42}}, .realm = "callfan", .admit = admit, .admits = 5, .nonce_s = 60};
static const uint8_t here[4] = {192, 0, 2, 1};

enum { NOW = 1000000 };

/* What our own client says to our own challenge: the line, without its end. */
static void answer(char *line, size_t bytes, enum cf_sip_algorithm algorithm, uint64_t when, const char *user,
                   const char *password)
{
    char lines[600];
    struct cf_sip_out out = {.text = lines, .bytes_max = sizeof(lines) - 1};
    struct cf_sip_challenge challenge;
    cf_sip_challenge_put(&out, &guard, here, sizeof(here), when, false);
    lines[out.len] = 0;
    char *second = strstr(lines, "\r\n") + 2;
    const char *value = (algorithm == CF_SIP_ALGORITHM_SHA256 ? lines : second) + strlen("WWW-Authenticate: ");
    assert_true(
        cf_sip_challenge_choose(value, (size_t)(strstr(value, "\r\n") - value), false, "callfan", false, &challenge));
    assert_int_equal(challenge.algorithm, algorithm);
    struct cf_sip_out to = {.text = line, .bytes_max = bytes - 1};
    assert_true(cf_sip_authorization_put(
        &to, &challenge, &(struct cf_sip_credentials){user, password},
        &(struct cf_sip_auth_use){.method = "INVITE", .uri = "sip:b@y", .uri_len = 7, .nc = 1, .cnonce = "0123abcd"}));
    line[to.len] = 0;
}

static enum cf_sip_auth check(const char *headers, uint64_t now, const void *source, size_t source_len,
                              unsigned *admit_at)
{
    struct message m;
    make(&m, "INVITE sip:b@y SIP/2.0", "INVITE", headers);
    return cf_sip_authorization_check(&guard, &m.msg, source, source_len, now, admit_at);
}

static void our_challenges_are_what_clients_expect(void **state)
{
    (void)state;
    char text[600];
    for (int stale = 0; stale < 2; stale++) {
        struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text) - 1};
        char nonce[2][CF_SIP_OUR_NONCE_LEN + 1], tail[2][64];
        cf_sip_challenge_put(&out, &guard, here, sizeof(here), NOW, stale != 0);
        text[out.len] = 0;
        assert_int_equal(
            sscanf(text,
                   "WWW-Authenticate: Digest realm=\"callfan\", nonce=\"%48[0-9a-f]\", algorithm=%63[^\r]\r\n"
                   "WWW-Authenticate: Digest realm=\"callfan\", nonce=\"%48[0-9a-f]\", algorithm=%63[^\r]\r\n",
                   nonce[0], tail[0], nonce[1], tail[1]),
            4);
        assert_string_equal(tail[0], stale != 0 ? "SHA-256, qop=\"auth\", stale=true" : "SHA-256, qop=\"auth\"");
        assert_string_equal(tail[1], stale != 0 ? "MD5, qop=\"auth\", stale=true" : "MD5, qop=\"auth\"");
        assert_int_equal(strlen(nonce[0]), CF_SIP_OUR_NONCE_LEN);
        assert_string_equal(nonce[0], nonce[1]);
    }
}

static void those_with_the_password_are_let_in(void **state)
{
    (void)state;
    static const struct {
        const char *user, *password;
        enum cf_sip_auth result;
        unsigned at;
    } table[] = {
        {"alice", "se:cret", CF_SIP_AUTH_OK, 1}, /* the first entry of a name counts */
        {"alice", "second", CF_SIP_AUTH_WRONG, 0},
        {"bob", "hunter2", CF_SIP_AUTH_OK, 2},
        {"bob", "hunter", CF_SIP_AUTH_WRONG, 0},
        {"Bob", "hunter2", CF_SIP_AUTH_UNKNOWN_USER, 0},
        {"bo", "hunter2", CF_SIP_AUTH_UNKNOWN_USER, 0},
        {"empty", "", CF_SIP_AUTH_OK, 4},
        {"carol", "", CF_SIP_AUTH_UNKNOWN_USER, 0},
        {"no-colon", "", CF_SIP_AUTH_UNKNOWN_USER, 0},
        {"", "", CF_SIP_AUTH_MALFORMED, 0},
    };
    for (unsigned algorithm = 0; algorithm < CF_SIP_ALGORITHMS; algorithm++)
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
            char line[1000];
            unsigned at = 99;
            answer(line, sizeof(line), (enum cf_sip_algorithm)algorithm, NOW, table[i].user, table[i].password);
            const enum cf_sip_auth result = check(line, NOW, here, sizeof(here), &at);
            if (result != table[i].result)
                fail_msg("row %zu: %d", i, (int)result);
            assert_int_equal(at, result == CF_SIP_AUTH_OK ? table[i].at : 99);
        }
}

static void nonces_grow_old_and_belong_to_an_address(void **state)
{
    (void)state;
    static const uint8_t elsewhere[4] = {192, 0, 2, 2};
    char line[1000];
    unsigned at;
    answer(line, sizeof(line), CF_SIP_ALGORITHM_SHA256, NOW, "bob", "hunter2");
    assert_int_equal(check(line, NOW + 60, here, 4, &at), CF_SIP_AUTH_OK);
    assert_int_equal(check(line, NOW + 61, here, 4, &at), CF_SIP_AUTH_STALE);
    assert_int_equal(check(line, NOW - 1, here, 4, &at), CF_SIP_AUTH_STALE); /* not made yet */
    assert_int_equal(check(line, NOW, elsewhere, 4, &at), CF_SIP_AUTH_STALE);
    assert_int_equal(check(line, NOW, here, 3, &at), CF_SIP_AUTH_STALE);
    answer(line, sizeof(line), CF_SIP_ALGORITHM_SHA256, NOW, "bob", "wrong"); /* stale is only said to who knows */
    assert_int_equal(check(line, NOW + 61, here, 4, &at), CF_SIP_AUTH_WRONG);
}

/* The digest over a nonce of somebody else's making, for bob. */
static enum cf_sip_auth with_nonce(const char *nonce)
{
    char hex[CF_SIP_DIGEST_HEX_MAX], line[1000];
    unsigned at;
    const struct cf_sip_digest digest = {
        CF_SIP_ALGORITHM_MD5, PIECE("bob"),           PIECE("callfan"), PIECE("hunter2"), PIECE("INVITE"),
        PIECE("sip:b@y"),     {nonce, strlen(nonce)}, PIECE(""),        PIECE(""),        PIECE("")};
    const size_t len = cf_sip_digest_hex(&digest, hex);
    snprintf(line, sizeof(line),
             "Authorization: Digest username=\"bob\", realm=\"callfan\", nonce=\"%s\", uri=\"sip:b@y\", "
             "response=\"%.*s\"\r\n",
             nonce, (int)len, hex);
    return check(line, NOW, here, sizeof(here), &at);
}

static void a_nonce_cannot_be_made_up(void **state)
{
    (void)state;
    char text[600], nonce[CF_SIP_OUR_NONCE_LEN + 1];
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text) - 1};
    cf_sip_challenge_put(&out, &guard, here, sizeof(here), NOW, false);
    text[out.len] = 0;
    assert_int_equal(sscanf(strstr(text, "nonce=\""), "nonce=\"%48[0-9a-f]", nonce), 1);
    assert_int_equal(with_nonce(nonce), CF_SIP_AUTH_OK);
    for (unsigned i = 0; i < CF_SIP_OUR_NONCE_LEN; i++) {
        const char kept = nonce[i];
        nonce[i] = kept == '0' ? '1' : '0';
        assert_int_equal(with_nonce(nonce), CF_SIP_AUTH_STALE);
        nonce[i] = 'x';
        assert_int_equal(with_nonce(nonce), CF_SIP_AUTH_STALE);
        nonce[i] = kept;
    }
    nonce[CF_SIP_OUR_NONCE_LEN - 1] = 0;
    assert_int_equal(with_nonce(nonce), CF_SIP_AUTH_STALE);
    assert_int_equal(with_nonce("1"), CF_SIP_AUTH_STALE);
    assert_int_equal(with_nonce(""), CF_SIP_AUTH_STALE);
}

static void credentials_that_say_too_little_are_told_apart(void **state)
{
    (void)state;
#define NEEDED "username=\"bob\", realm=\"callfan\", nonce=\"n\", uri=\"sip:b@y\", response=\"0\""
    static const struct {
        const char *headers;
        enum cf_sip_auth result;
    } table[] = {
        {"", CF_SIP_AUTH_MISSING},
        {"Authorization: Basic Ym9iOmh1bnRlcjI\r\n", CF_SIP_AUTH_MISSING},
        {"Authorization: Digest username=\"bob\", realm=\"other\", nonce=\"n\"\r\n", CF_SIP_AUTH_MISSING},
        {"Authorization: Digest username=\"bob\"\r\n", CF_SIP_AUTH_MISSING},
        {"Proxy-Authorization: Digest " NEEDED "\r\n", CF_SIP_AUTH_MISSING},
        {"Authorization:\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: =\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: " NEEDED "\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED ", Digest " NEEDED "\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED ", nonce=\"m\"\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED ", qop=auth\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED ", qop=auth, nc=1, cnonce=\"c\"\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED ", qop=auth-int, nc=00000001, cnonce=\"c\"\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED ", algorithm=MD5-sess\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest realm=\"callfan\", nonce=\"n\", uri=\"u\", response=\"0\"\r\n", CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest username=\"bob\", realm=\"callfan\", uri=\"u\", response=\"0\"\r\n",
         CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest username=\"bob\", realm=\"callfan\", nonce=\"n\", response=\"0\"\r\n",
         CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest username=\"bob\", realm=\"callfan\", nonce=\"n\", uri=\"u\"\r\n",
         CF_SIP_AUTH_MALFORMED},
        {"Authorization: Digest " NEEDED "\r\n", CF_SIP_AUTH_WRONG},
        {"Authorization: Digest " NEEDED ", algorithm=SHA-256, opaque=\"o\", auth-param=x\r\n", CF_SIP_AUTH_WRONG},
        {"Authorization: nonsense=\"\r\nAuthorization: Digest " NEEDED "\r\n", CF_SIP_AUTH_WRONG},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        unsigned at;
        const enum cf_sip_auth result = check(table[i].headers, NOW, here, sizeof(here), &at);
        if (result != table[i].result)
            fail_msg("row %zu: %d: %s", i, (int)result, table[i].headers);
    }
}

static void credentials_among_those_for_others_are_found(void **state)
{
    (void)state;
    char line[1000], headers[3000];
    unsigned at;
    answer(line, sizeof(line), CF_SIP_ALGORITHM_SHA256, NOW, "alice", "se:cret");
    snprintf(headers, sizeof(headers),
             "Authorization: Digest username=\"x\", realm=\"proxy\", nonce=\"n\", uri=\"u\", response=\"0\"\r\n"
             "Authorization: Basic abc\r\n%s",
             line);
    assert_int_equal(check(headers, NOW, here, sizeof(here), &at), CF_SIP_AUTH_OK);
    for (char *p = strstr(line, "response=\"") + 10; *p != '"'; p++) /* hexadecimal in capitals */
        *p = *p >= 'a' ? (char)(*p - 'a' + 'A') : *p;
    assert_int_equal(check(line, NOW, here, sizeof(here), &at), CF_SIP_AUTH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfcs_come_out),
        cmocka_unit_test(the_best_challenge_is_chosen),
        cmocka_unit_test(texts_are_kept_up_to_their_limits),
        cmocka_unit_test(credentials_are_written_for_each_kind_of_challenge),
        cmocka_unit_test(what_cannot_stand_between_quotes_is_not_sent),
        cmocka_unit_test(cnonces_differ_by_their_number_and_key),
        cmocka_unit_test(our_challenges_are_what_clients_expect),
        cmocka_unit_test(those_with_the_password_are_let_in),
        cmocka_unit_test(nonces_grow_old_and_belong_to_an_address),
        cmocka_unit_test(a_nonce_cannot_be_made_up),
        cmocka_unit_test(credentials_that_say_too_little_are_told_apart),
        cmocka_unit_test(credentials_among_those_for_others_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
