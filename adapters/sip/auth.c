#include "adapters/sip/auth.h"

#include "adapters/sip/field.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <string.h>

#define PIECE(literal) ((struct cf_sip_piece){"" literal, sizeof(literal) - 1})

static struct cf_sip_piece piece_of(const char *text)
{
    return (struct cf_sip_piece){text, strlen(text)};
}

static bool piece_is(struct cf_sip_piece piece, const char *text)
{
    return piece.len == strlen(text) && memcmp(piece.text, text, piece.len) == 0;
}

/* ---- the response value */

static const struct {
    const char *name; /* as it is written */
    const char *lower;
    uint8_t hash_bytes;
} algorithms[CF_SIP_ALGORITHMS] = {
    [CF_SIP_ALGORITHM_MD5] = {"MD5", "md5", MD5_DIGEST_SIZE},
    [CF_SIP_ALGORITHM_SHA256] = {"SHA-256", "sha-256", SHA256_DIGEST_SIZE},
};

struct hash {
    enum cf_sip_algorithm algorithm;
    union {
        struct md5_ctx md5;
        struct sha256_ctx sha256;
    };
};

static void hash_init(struct hash *hash, enum cf_sip_algorithm algorithm)
{
    hash->algorithm = algorithm;
    if (algorithm == CF_SIP_ALGORITHM_SHA256)
        sha256_init(&hash->sha256);
    else
        md5_init(&hash->md5);
}

static void hash_add(struct hash *hash, struct cf_sip_piece piece)
{
    if (hash->algorithm == CF_SIP_ALGORITHM_SHA256)
        sha256_update(&hash->sha256, piece.len, (const uint8_t *)piece.text);
    else
        md5_update(&hash->md5, piece.len, (const uint8_t *)piece.text);
}

static size_t hash_end(struct hash *hash, char hex[CF_SIP_DIGEST_HEX_MAX])
{
    uint8_t bytes[SHA256_DIGEST_SIZE];
    const size_t count = algorithms[hash->algorithm].hash_bytes;
    if (hash->algorithm == CF_SIP_ALGORITHM_SHA256)
        sha256_digest(&hash->sha256, count, bytes);
    else
        md5_digest(&hash->md5, count, bytes);
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    return 2 * count;
}

/* The hash of the pieces with ':' between them. */
static size_t hash_joined(enum cf_sip_algorithm algorithm, const struct cf_sip_piece *pieces, unsigned count,
                          char hex[CF_SIP_DIGEST_HEX_MAX])
{
    struct hash hash;
    hash_init(&hash, algorithm);
    for (unsigned i = 0; i < count; i++) {
        if (i != 0)
            hash_add(&hash, PIECE(":"));
        hash_add(&hash, pieces[i]);
    }
    return hash_end(&hash, hex);
}

size_t cf_sip_digest_hex(const struct cf_sip_digest *d, char hex[CF_SIP_DIGEST_HEX_MAX])
{
    char secret[CF_SIP_DIGEST_HEX_MAX], what[CF_SIP_DIGEST_HEX_MAX];
    const struct cf_sip_piece secret_of[] = {d->username, d->realm, d->password};
    const struct cf_sip_piece what_of[] = {d->method, d->uri};
    const size_t len = hash_joined(d->algorithm, secret_of, 3, secret);
    hash_joined(d->algorithm, what_of, 2, what);
    const struct cf_sip_piece first = {secret, len}, last = {what, len};
    if (d->qop.len == 0)
        return hash_joined(d->algorithm, (const struct cf_sip_piece[]){first, d->nonce, last}, 3, hex);
    return hash_joined(d->algorithm, (const struct cf_sip_piece[]){first, d->nonce, d->nc, d->cnonce, d->qop, last}, 6,
                       hex);
}

static bool quotable(struct cf_sip_piece piece)
{
    for (size_t i = 0; i < piece.len; i++)
        if ((uint8_t)piece.text[i] < 0x20 || piece.text[i] == '"' || piece.text[i] == '\\' || piece.text[i] == 0x7f)
            return false;
    return true;
}

bool cf_sip_auth_quotable(const char *text)
{
    return quotable(piece_of(text));
}

/* ---- reading lists of schemes and parameters, of challenges and of credentials */

enum item_kind {
    ITEM_END,
    ITEM_SCHEME, /* name */
    ITEM_PARAM,  /* name and value */
    ITEM_FAULT,
};

struct item {
    struct cf_sip_piece name;
    struct cf_sip_piece value; /* without quotes */
};

static bool take_quoted(struct cf_sip_cursor *c, struct cf_sip_piece *ret_value)
{
    const char *start = ++c->p;
    while (c->p < c->end && *c->p != '"')
        c->p += *c->p == '\\' && c->end - c->p >= 2 ? 2 : 1;
    if (c->p >= c->end)
        return false;
    *ret_value = (struct cf_sip_piece){start, (size_t)(c->p - start)};
    c->p++;
    return true;
}

static bool take_value(struct cf_sip_cursor *c, struct cf_sip_piece *ret_value)
{
    if (cf_sip_at(c, '"'))
        return take_quoted(c, ret_value);
    ret_value->text = c->p;
    c->p = cf_sip_find_value_end(c->p, c->end); /* some write a uri without quotes */
    ret_value->len = (size_t)(c->p - ret_value->text);
    /* A backslash would take the meaning from the quote that we write behind it. */
    return ret_value->len != 0 && memchr(ret_value->text, '\\', ret_value->len) == NULL;
}

/* `Digest a=b, c="d", Basic realm="e"`: a name before '=' is a parameter's, else a scheme's. */
static enum item_kind next_item(struct cf_sip_cursor *c, struct item *item)
{
    while (cf_sip_take(c, ','))
        continue;
    if (c->p == c->end)
        return ITEM_END;
    item->name.text = c->p;
    item->name.len = cf_sip_take_class(c, CF_SIP_CHAR_TOKEN);
    if (item->name.len == 0)
        return ITEM_FAULT;
    const char *name_end = c->p;
    if (!cf_sip_take(c, '='))
        return c->p == c->end || *c->p == ',' || c->p > name_end ? ITEM_SCHEME : ITEM_FAULT;
    if (!take_value(c, &item->value))
        return ITEM_FAULT;
    cf_sip_skip_space(c);
    return c->p == c->end || *c->p == ',' ? ITEM_PARAM : ITEM_FAULT;
}

/* The parameters of the Digest scheme, of either side. */
#define PARAMS(X)                                                                                                      \
    X(REALM, "realm")                                                                                                  \
    X(NONCE, "nonce")                                                                                                  \
    X(OPAQUE, "opaque")                                                                                                \
    X(ALGORITHM, "algorithm")                                                                                          \
    X(QOP, "qop")                                                                                                      \
    X(STALE, "stale")                                                                                                  \
    X(USERNAME, "username")                                                                                            \
    X(URI, "uri")                                                                                                      \
    X(RESPONSE, "response")                                                                                            \
    X(NC, "nc")                                                                                                        \
    X(CNONCE, "cnonce")

enum param {
#define X(name, text) PARAM_##name,
    PARAMS(X)
#undef X
        PARAMS_COUNT
};

struct params {
    bool repeated;
    struct cf_sip_piece value[PARAMS_COUNT]; /* text NULL: not there */
};

static void keep_param(struct params *params, const struct item *item)
{
    static const struct cf_sip_piece names[PARAMS_COUNT] = {
#define X(name, text) [PARAM_##name] = {text, sizeof(text) - 1},
        PARAMS(X)
#undef X
    };
    for (unsigned i = 0; i < PARAMS_COUNT; i++) {
        if (!cf_sip_same(item->name.text, item->name.len, names[i].text, names[i].len))
            continue;
        params->repeated |= params->value[i].text != NULL;
        params->value[i] = item->value;
    }
}

/* MD5 where none is named; false: one that we do not do. */
static bool algorithm_of(const struct params *params, enum cf_sip_algorithm *ret_algorithm)
{
    const struct cf_sip_piece name = params->value[PARAM_ALGORITHM];
    *ret_algorithm = CF_SIP_ALGORITHM_MD5;
    if (name.text == NULL)
        return true;
    for (unsigned i = 0; i < CF_SIP_ALGORITHMS; i++) {
        *ret_algorithm = (enum cf_sip_algorithm)i;
        if (cf_sip_same(name.text, name.len, algorithms[i].lower, strlen(algorithms[i].lower)))
            return true;
    }
    return false;
}

/* True when "auth" is in the comma-separated list. */
static bool names_auth(struct cf_sip_piece list)
{
    struct cf_sip_cursor c = {list.text, list.text + list.len};
    while (c.p < c.end) {
        while (cf_sip_take(&c, ','))
            continue;
        const char *token = c.p;
        const size_t len = cf_sip_take_class(&c, CF_SIP_CHAR_TOKEN);
        if (CF_SIP_SAME(token, len, "auth"))
            return true;
        if (len == 0)
            return false;
    }
    return false;
}

/* ---- as a client */

static uint8_t copy_piece(char *dst, struct cf_sip_piece piece)
{
    if (piece.text != NULL)
        memcpy(dst, piece.text, piece.len);
    return (uint8_t)piece.len;
}

/* A folded line within the quotes would be sent otherwise than it was hashed. */
static bool fits(struct cf_sip_piece piece, size_t bytes_max)
{
    return piece.len <= bytes_max &&
           (piece.len == 0 || cf_sip_find_control(piece.text, piece.text + piece.len) == piece.text + piece.len);
}

/* What stands between two schemes becomes the best challenge, when it can be answered and is better. */
static bool weigh(const struct params *params, bool proxy, const char *realm, bool have, struct cf_sip_challenge *best)
{
    const struct cf_sip_piece *value = params->value;
    enum cf_sip_algorithm algorithm;
    if (params->repeated || value[PARAM_REALM].text == NULL || value[PARAM_NONCE].len == 0 ||
        !algorithm_of(params, &algorithm) || (value[PARAM_QOP].text != NULL && !names_auth(value[PARAM_QOP])))
        return false;
    if (!fits(value[PARAM_REALM], CF_SIP_REALM_MAX) || !fits(value[PARAM_NONCE], CF_SIP_NONCE_MAX) ||
        !fits(value[PARAM_OPAQUE], CF_SIP_OPAQUE_MAX) || (realm != NULL && !piece_is(value[PARAM_REALM], realm)))
        return false;
    if (have && best->algorithm >= algorithm)
        return false;
    *best = (struct cf_sip_challenge){
        .proxy = proxy,
        .stale = CF_SIP_SAME(value[PARAM_STALE].text, value[PARAM_STALE].len, "true"),
        .qop = value[PARAM_QOP].text != NULL,
        .algorithm_named = value[PARAM_ALGORITHM].text != NULL,
        .opaque_given = value[PARAM_OPAQUE].text != NULL,
        .algorithm = (uint8_t)algorithm,
    };
    best->realm_len = copy_piece(best->realm, value[PARAM_REALM]);
    best->nonce_len = copy_piece(best->nonce, value[PARAM_NONCE]);
    best->opaque_len = copy_piece(best->opaque, value[PARAM_OPAQUE]);
    return true;
}

bool cf_sip_challenge_choose(const char *value, size_t len, bool proxy, const char *realm, bool have,
                             struct cf_sip_challenge *best)
{
    struct cf_sip_cursor c = {value, value + len};
    struct params params = {0};
    struct item item = {0};
    bool digest = false;
    while (true) {
        const enum item_kind kind = next_item(&c, &item);
        if (kind == ITEM_PARAM) {
            keep_param(&params, &item);
            continue;
        }
        /* A fault spoils the challenge that it stands in and hides those behind it. */
        if (digest && kind != ITEM_FAULT && weigh(&params, proxy, realm, have, best))
            have = true;
        if (kind != ITEM_SCHEME)
            return have;
        digest = CF_SIP_SAME(item.name.text, item.name.len, "digest");
        params = (struct params){0};
    }
}

bool cf_sip_challenge_read(const struct cf_sip_msg *response, const char *realm, struct cf_sip_challenge *ret_challenge)
{
    const bool proxy = response->status == 407;
    const enum cf_sip_header header = proxy ? CF_SIP_HEADER_PROXY_AUTHENTICATE : CF_SIP_HEADER_WWW_AUTHENTICATE;
    struct cf_sip_slice line;
    bool have = false;
    for (unsigned i = 0; cf_sip_extra(response, header, i, &line); i++)
        have = cf_sip_challenge_choose(cf_sip_ptr(response, line), line.len, proxy, realm, have, ret_challenge);
    return have;
}

static void put_piece(struct cf_sip_out *out, struct cf_sip_piece piece)
{
    cf_sip_put_value(out, piece.text, piece.len);
}

/* nc, 8 hexadecimal digits. */
static void nc_text(uint32_t nc, char text[8])
{
    for (unsigned i = 0; i < 8; i++)
        text[i] = "0123456789abcdef"[nc >> (28 - 4 * i) & 15];
}

static void put_authorization(struct cf_sip_out *out, const struct cf_sip_challenge *challenge,
                              const struct cf_sip_digest *digest)
{
    char response[CF_SIP_DIGEST_HEX_MAX];
    cf_sip_put_string(out, challenge->proxy ? "Proxy-Authorization" : "Authorization");
    CF_SIP_PUT(out, ": Digest username=\"");
    put_piece(out, digest->username);
    CF_SIP_PUT(out, "\", realm=\"");
    put_piece(out, digest->realm);
    CF_SIP_PUT(out, "\", nonce=\"");
    put_piece(out, digest->nonce);
    CF_SIP_PUT(out, "\", uri=\"");
    put_piece(out, digest->uri);
    CF_SIP_PUT(out, "\", response=\"");
    cf_sip_put(out, response, cf_sip_digest_hex(digest, response));
    CF_SIP_PUT(out, "\"");
    if (challenge->algorithm_named) {
        CF_SIP_PUT(out, ", algorithm=");
        cf_sip_put_string(out, algorithms[digest->algorithm].name);
    }
    if (challenge->qop) {
        CF_SIP_PUT(out, ", qop=auth, nc=");
        put_piece(out, digest->nc);
        CF_SIP_PUT(out, ", cnonce=\"");
        put_piece(out, digest->cnonce);
        CF_SIP_PUT(out, "\"");
    }
    if (challenge->opaque_given) {
        CF_SIP_PUT(out, ", opaque=\"");
        cf_sip_put_value(out, challenge->opaque, challenge->opaque_len);
        CF_SIP_PUT(out, "\"");
    }
    CF_SIP_PUT(out, "\r\n");
}

bool cf_sip_authorization_put(struct cf_sip_out *out, const struct cf_sip_challenge *challenge,
                              const struct cf_sip_credentials *credentials, const struct cf_sip_auth_use *use)
{
    char nc[8];
    struct cf_sip_digest digest = {
        .algorithm = (enum cf_sip_algorithm)challenge->algorithm,
        .username = piece_of(credentials->username),
        .realm = {challenge->realm, challenge->realm_len},
        .password = piece_of(credentials->password),
        .method = piece_of(use->method),
        .uri = {use->uri, use->uri_len},
        .nonce = {challenge->nonce, challenge->nonce_len},
    };
    if (challenge->qop) {
        nc_text(use->nc, nc);
        digest.qop = PIECE("auth");
        digest.nc = (struct cf_sip_piece){nc, sizeof(nc)};
        digest.cnonce = piece_of(use->cnonce);
    }
    if (!quotable(digest.username) || !quotable(digest.uri) || !quotable(digest.cnonce))
        return false;
    put_authorization(out, challenge, &digest);
    return true;
}

static void hex64(uint64_t number, char text[16])
{
    struct cf_sip_out out = {.text = text, .bytes_max = 16};
    cf_sip_put_hex64(&out, number);
}

void cf_sip_cnonce_make(const struct cf_sip_key *secret, uint64_t unique, char cnonce[CF_SIP_CNONCE_LEN + 1])
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, secret);
    cf_sip_hash_bytes(&hash, "cnonce", 6);
    cf_sip_hash_number(&hash, unique);
    hex64(cf_sip_hash_end(&hash).word[0], cnonce);
    cnonce[CF_SIP_CNONCE_LEN] = 0;
}

/* ---- as a server */

/* Our nonce of a time: the time, and what nobody else can make of it. */
static void nonce_make(const struct cf_sip_guard *guard, const void *source, size_t source_len, uint64_t time_s,
                       char nonce[CF_SIP_OUR_NONCE_LEN])
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &guard->secret);
    cf_sip_hash_bytes(&hash, "nonce", 5);
    cf_sip_hash_number(&hash, time_s);
    cf_sip_hash_bytes(&hash, guard->realm, strlen(guard->realm));
    cf_sip_hash_bytes(&hash, source, source_len);
    const struct cf_sip_key key = cf_sip_hash_end(&hash);
    hex64(time_s, nonce);
    hex64(key.word[0], nonce + 16);
    hex64(key.word[1], nonce + 32);
}

/* The time that a nonce begins with; false: none of ours. */
static bool nonce_time(struct cf_sip_piece nonce, uint64_t *ret_time_s)
{
    *ret_time_s = 0;
    if (nonce.len != CF_SIP_OUR_NONCE_LEN)
        return false;
    for (unsigned i = 0; i < 16; i++) {
        const char *digit = memchr("0123456789abcdef", nonce.text[i], 16);
        if (digit == NULL)
            return false;
        *ret_time_s = *ret_time_s << 4 | (uint64_t)(digit - "0123456789abcdef");
    }
    return true;
}

static bool nonce_holds(const struct cf_sip_guard *guard, const void *source, size_t source_len, uint64_t now_s,
                        struct cf_sip_piece nonce)
{
    char ours[CF_SIP_OUR_NONCE_LEN];
    uint64_t time_s;
    if (!nonce_time(nonce, &time_s))
        return false;
    nonce_make(guard, source, source_len, time_s, ours);
    return memeql_sec(ours, nonce.text, sizeof(ours)) != 0 && time_s <= now_s && now_s - time_s <= guard->nonce_s;
}

static bool offers(const struct cf_sip_guard *guard, unsigned algorithm)
{
    return guard->algorithms == 0 || (guard->algorithms >> algorithm & 1) != 0;
}

void cf_sip_challenge_put(struct cf_sip_out *out, const struct cf_sip_guard *guard, const void *source,
                          size_t source_len, uint64_t now_s, bool stale)
{
    char nonce[CF_SIP_OUR_NONCE_LEN];
    nonce_make(guard, source, source_len, now_s, nonce);
    for (unsigned i = CF_SIP_ALGORITHMS; i-- > 0;) {
        if (!offers(guard, i))
            continue;
        CF_SIP_PUT(out, "WWW-Authenticate: Digest realm=\"");
        cf_sip_put_string(out, guard->realm);
        CF_SIP_PUT(out, "\", nonce=\"");
        cf_sip_put(out, nonce, sizeof(nonce));
        CF_SIP_PUT(out, "\", algorithm=");
        cf_sip_put_string(out, algorithms[i].name);
        CF_SIP_PUT(out, ", qop=\"auth\"");
        if (stale)
            CF_SIP_PUT(out, ", stale=true");
        CF_SIP_PUT(out, "\r\n");
    }
}

/* The password of a user; every entry is looked at, so that the time does not tell which one it was. */
static bool password_of(const struct cf_sip_guard *guard, struct cf_sip_piece username, unsigned *ret_admit,
                        struct cf_sip_piece *ret_password)
{
    bool found = false;
    *ret_password = PIECE("");
    for (unsigned i = 0; i < guard->admits; i++) {
        const char *colon = strchr(guard->admit[i], ':');
        if (colon == NULL || (size_t)(colon - guard->admit[i]) != username.len ||
            memeql_sec(guard->admit[i], username.text, username.len) == 0 || found)
            continue;
        found = true;
        *ret_admit = i;
        *ret_password = piece_of(colon + 1);
    }
    return found;
}

/* The digest that a request's parameters speak of; false: something that it needs is missing. */
static bool digest_of(const struct params *params, struct cf_sip_digest *ret_digest)
{
    const struct cf_sip_piece *value = params->value;
    if (params->repeated || value[PARAM_USERNAME].len == 0 || value[PARAM_NONCE].text == NULL ||
        value[PARAM_URI].len == 0 || value[PARAM_RESPONSE].text == NULL ||
        !algorithm_of(params, &ret_digest->algorithm))
        return false;
    ret_digest->username = value[PARAM_USERNAME];
    ret_digest->realm = value[PARAM_REALM];
    ret_digest->uri = value[PARAM_URI];
    ret_digest->nonce = value[PARAM_NONCE];
    ret_digest->qop = (struct cf_sip_piece){"", 0};
    if (value[PARAM_QOP].text == NULL)
        return true;
    ret_digest->qop = value[PARAM_QOP];
    ret_digest->nc = value[PARAM_NC];
    ret_digest->cnonce = value[PARAM_CNONCE];
    return CF_SIP_SAME(value[PARAM_QOP].text, value[PARAM_QOP].len, "auth") && ret_digest->nc.len == 8 &&
           ret_digest->cnonce.len != 0;
}

static bool same_response(struct cf_sip_piece given, const char *hex, size_t len)
{
    char lower[CF_SIP_DIGEST_HEX_MAX];
    if (given.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = cf_sip_lower(given.text[i]);
    return memeql_sec(lower, hex, len) != 0;
}

static enum cf_sip_auth check(const struct cf_sip_guard *guard, const struct cf_sip_msg *request,
                              const struct params *params, unsigned *ret_admit, struct cf_sip_piece *ret_nonce)
{
    struct cf_sip_digest digest = {0};
    char hex[CF_SIP_DIGEST_HEX_MAX];
    unsigned admit = 0;
    if (!digest_of(params, &digest))
        return CF_SIP_AUTH_MALFORMED;
    if (!offers(guard, digest.algorithm))
        return CF_SIP_AUTH_MISSING;
    const bool known = password_of(guard, digest.username, &admit, &digest.password);
    digest.method = (struct cf_sip_piece){cf_sip_ptr(request, request->method_text), request->method_text.len};
    const size_t len = cf_sip_digest_hex(&digest, hex); /* for an unknown user too: it takes as long */
    const bool same = same_response(params->value[PARAM_RESPONSE], hex, len);
    if (!known)
        return CF_SIP_AUTH_UNKNOWN_USER;
    if (!same)
        return CF_SIP_AUTH_WRONG;
    *ret_admit = admit;
    *ret_nonce = digest.nonce;
    return CF_SIP_AUTH_OK;
}

/* One Authorization line: 1 credentials for our realm, 0 others', -1 malformed. */
static int read_line(const char *value, size_t len, const char *realm, struct params *ret_params)
{
    struct cf_sip_cursor c = {value, value + len};
    struct item item = {0};
    enum item_kind kind = next_item(&c, &item);
    *ret_params = (struct params){0};
    if (kind != ITEM_SCHEME)
        return -1;
    if (!CF_SIP_SAME(item.name.text, item.name.len, "digest"))
        return 0;
    while ((kind = next_item(&c, &item)) == ITEM_PARAM)
        keep_param(ret_params, &item);
    if (kind != ITEM_END)
        return -1;
    const struct cf_sip_piece given = ret_params->value[PARAM_REALM];
    return given.text != NULL && piece_is(given, realm);
}

enum cf_sip_auth cf_sip_authorization_check(const struct cf_sip_guard *guard, const struct cf_sip_msg *request,
                                            const void *source, size_t source_len, uint64_t now_s, unsigned *ret_admit)
{
    struct cf_sip_slice line;
    struct cf_sip_piece nonce = {"", 0};
    struct params params;
    bool malformed = false;
    for (unsigned i = 0; cf_sip_extra(request, CF_SIP_HEADER_AUTHORIZATION, i, &line); i++) {
        const int got = read_line(cf_sip_ptr(request, line), line.len, guard->realm, &params);
        malformed |= got < 0;
        if (got <= 0)
            continue;
        const enum cf_sip_auth result = check(guard, request, &params, ret_admit, &nonce);
        if (result != CF_SIP_AUTH_OK)
            return result;
        return nonce_holds(guard, source, source_len, now_s, nonce) ? CF_SIP_AUTH_OK : CF_SIP_AUTH_STALE;
    }
    return malformed ? CF_SIP_AUTH_MALFORMED : CF_SIP_AUTH_MISSING;
}
