#include "adapters/sip/sdp.h"

#include <string.h>

/* What holds for the streams that say nothing of their own. */
struct reader {
    struct cf_sdp *sdp;
    struct cf_sip_slice session_address;
    bool session_null;
    bool session_has_address;
    enum cf_sdp_direction session_direction;
    bool stream_has_address[CF_SDP_STREAMS_MAX];
    struct cf_sip_slice stream_address[CF_SDP_STREAMS_MAX];
};

static struct cf_sip_slice slice_of(const struct cf_sdp *sdp, const char *start, size_t len)
{
    return (struct cf_sip_slice){(uint16_t)(start - sdp->base), (uint16_t)len};
}

/* The next word before a space; a word of length 0 is a fault of the caller's line. */
static size_t take_word(struct cf_sip_cursor *c, const char **ret_word)
{
    while (c->p < c->end && *c->p == ' ')
        c->p++;
    const char *start = c->p;
    while (c->p < c->end && *c->p != ' ')
        c->p++;
    *ret_word = start;
    return (size_t)(c->p - start);
}

/* 0.0.0.0, ::, 0:0:0... : digits zero and separators only. */
static bool is_null_address(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] != '0' && text[i] != '.' && text[i] != ':')
            return false;
    return len != 0;
}

/* c=IN IP4 192.0.2.1, possibly with /ttl. */
static bool read_connection(struct reader *r, struct cf_sip_cursor c)
{
    struct cf_sdp *sdp = r->sdp;
    const char *word;
    size_t len = take_word(&c, &word);
    if (!CF_SIP_SAME(word, len, "in"))
        return false;
    len = take_word(&c, &word);
    if (!CF_SIP_SAME(word, len, "ip4") && !CF_SIP_SAME(word, len, "ip6"))
        return false;
    len = take_word(&c, &word);
    const char *slash = memchr(word, '/', len);
    if (slash != NULL)
        len = (size_t)(slash - word);
    if (len == 0)
        return false;
    const bool null_address = is_null_address(word, len);
    if (sdp->streams == 0) {
        r->session_address = slice_of(sdp, word, len);
        r->session_has_address = true;
        r->session_null = null_address;
        return true;
    }
    const unsigned last = sdp->streams - 1;
    r->stream_has_address[last] = true;
    r->stream_address[last] = slice_of(sdp, word, len);
    sdp->stream[last].null_address = null_address;
    return true;
}

/* m=audio 49170 RTP/AVP 0 8; the port may be followed by /count. */
static enum cf_sdp_error read_media(struct reader *r, struct cf_sip_cursor c)
{
    struct cf_sdp *sdp = r->sdp;
    const char *word;
    if (sdp->streams == CF_SDP_STREAMS_MAX)
        return CF_SDP_ERROR_TOO_MANY;
    struct cf_sdp_stream *stream = &sdp->stream[sdp->streams];
    *stream = (struct cf_sdp_stream){.direction = r->session_direction};
    size_t len = take_word(&c, &word);
    if (len == 0)
        return CF_SDP_ERROR_MEDIA;
    stream->media = slice_of(sdp, word, len);
    len = take_word(&c, &word);
    struct cf_sip_cursor port = {word, word + len};
    if (!cf_sip_take_number(&port, &stream->port) || stream->port > UINT16_MAX || (port.p < port.end && *port.p != '/'))
        return CF_SDP_ERROR_MEDIA;
    len = take_word(&c, &word);
    if (len == 0)
        return CF_SDP_ERROR_MEDIA;
    stream->proto = slice_of(sdp, word, len);
    while (c.p < c.end && *c.p == ' ')
        c.p++;
    if (c.p == c.end)
        return CF_SDP_ERROR_MEDIA;
    stream->formats = slice_of(sdp, c.p, (size_t)(c.end - c.p));
    sdp->streams++;
    return CF_SDP_ERROR_OK;
}

static void read_attribute(struct reader *r, const char *text, size_t len)
{
    enum cf_sdp_direction direction;
    if (CF_SIP_SAME(text, len, "sendrecv"))
        direction = CF_SDP_SENDRECV;
    else if (CF_SIP_SAME(text, len, "sendonly"))
        direction = CF_SDP_SENDONLY;
    else if (CF_SIP_SAME(text, len, "recvonly"))
        direction = CF_SDP_RECVONLY;
    else if (CF_SIP_SAME(text, len, "inactive"))
        direction = CF_SDP_INACTIVE;
    else
        return;
    if (r->sdp->streams == 0)
        r->session_direction = direction;
    else
        r->sdp->stream[r->sdp->streams - 1].direction = direction;
}

static enum cf_sdp_error read_line(struct reader *r, const char *line, size_t len)
{
    const struct cf_sip_cursor value = {line + 2, line + len};
    switch (line[0]) {
    case 'o':
        r->sdp->origin = slice_of(r->sdp, line + 2, len - 2);
        return CF_SDP_ERROR_OK;
    case 'c':
        return read_connection(r, value) ? CF_SDP_ERROR_OK : CF_SDP_ERROR_CONNECTION;
    case 'm':
        return read_media(r, value);
    case 'a':
        read_attribute(r, line + 2, len - 2);
        return CF_SDP_ERROR_OK;
    default:
        return CF_SDP_ERROR_OK;
    }
}

/* Which stream we take, and the address that counts for it. */
static enum cf_sdp_error finish(struct reader *r)
{
    struct cf_sdp *sdp = r->sdp;
    for (unsigned i = 0; i < sdp->streams; i++) {
        struct cf_sdp_stream *stream = &sdp->stream[i];
        if (!r->stream_has_address[i]) {
            if (!r->session_has_address)
                return CF_SDP_ERROR_NO_CONNECTION;
            stream->null_address = r->session_null;
        }
        if (sdp->audio >= 0 || stream->port == 0 ||
            !CF_SIP_SAME(sdp->base + stream->media.at, stream->media.len, "audio") ||
            !CF_SIP_SAME(sdp->base + stream->proto.at, stream->proto.len, "rtp/avp"))
            continue;
        sdp->audio = (int)i;
        sdp->address = r->stream_has_address[i] ? r->stream_address[i] : r->session_address;
    }
    return CF_SDP_ERROR_OK;
}

enum cf_sdp_error cf_sdp_scan(const char *text, size_t len, struct cf_sdp *ret_sdp)
{
    struct reader r = {.sdp = ret_sdp};
    *ret_sdp = (struct cf_sdp){.base = text, .audio = -1};
    if (len == 0 || len > UINT16_MAX)
        return CF_SDP_ERROR_EMPTY;
    const char *end = text + len;
    bool first = true;
    for (const char *line = text; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        const char *next = eol != NULL ? eol + 1 : end;
        size_t line_len = (size_t)((eol != NULL ? eol : end) - line);
        while (line_len != 0 && (line[line_len - 1] == '\r' || line[line_len - 1] == ' '))
            line_len--;
        if (first && (line_len != 3 || memcmp(line, "v=0", 3) != 0))
            return CF_SDP_ERROR_VERSION;
        if (line_len != 0) { /* empty lines at the end are common */
            if (line_len < 2 || line[1] != '=' || cf_sip_find_control(line, line + line_len) != line + line_len)
                return CF_SDP_ERROR_LINE;
            const enum cf_sdp_error error = read_line(&r, line, line_len);
            if (error != CF_SDP_ERROR_OK)
                return error;
        }
        first = false;
        line = next;
    }
    return finish(&r);
}

const char *cf_sdp_error_text(enum cf_sdp_error error)
{
    static const char *const texts[CF_SDP_ERRORS_COUNT] = {
#define X(name, text) [CF_SDP_ERROR_##name] = text,
        CF_SDP_ERRORS(X)
#undef X
    };
    return error < CF_SDP_ERRORS_COUNT ? texts[error] : "Unknown Error";
}

/* The stream that counts; NULL: none. */
static const struct cf_sdp_stream *audio_of(const struct cf_sdp *sdp)
{
    return sdp->audio >= 0 ? &sdp->stream[sdp->audio] : NULL;
}

/* Directions as what they let be. */
enum { SENDS = 1, RECEIVES = 2 };

static const uint8_t flows[] = {
    [CF_SDP_SENDRECV] = SENDS | RECEIVES,
    [CF_SDP_SENDONLY] = SENDS,
    [CF_SDP_RECVONLY] = RECEIVES,
    [CF_SDP_INACTIVE] = 0,
};

/* What the peer does with the stream. A null address is the hold of RFC 2543: nothing can be sent there. */
static unsigned flows_of(const struct cf_sdp_stream *stream)
{
    return flows[stream->direction] & (stream->null_address ? SENDS : SENDS | RECEIVES);
}

bool cf_sdp_holds(const struct cf_sdp *offer)
{
    const struct cf_sdp_stream *stream = audio_of(offer);
    return stream != NULL && (flows_of(stream) & RECEIVES) == 0;
}

bool cf_sdp_answer_holds(const struct cf_sdp *answer, enum cf_sdp_direction offered)
{
    return (flows[offered] & SENDS) != 0 && cf_sdp_holds(answer);
}

enum cf_sdp_direction cf_sdp_answer_direction(const struct cf_sdp *offer, enum cf_sdp_direction ours)
{
    const struct cf_sdp_stream *stream = audio_of(offer);
    const unsigned peer = stream != NULL ? flows_of(stream) : 0;
    const bool sends = (flows[ours] & SENDS) != 0 && (peer & RECEIVES) != 0;
    const bool receives = (flows[ours] & RECEIVES) != 0 && (peer & SENDS) != 0;
    if (sends)
        return receives ? CF_SDP_SENDRECV : CF_SDP_SENDONLY;
    return receives ? CF_SDP_RECVONLY : CF_SDP_INACTIVE;
}

uint64_t cf_sdp_mark(const struct cf_sdp *sdp)
{
    uint64_t mark = 0xcbf29ce484222325u; /* FNV-1a: a peer that makes two of its own lines collide deceives itself */
    if (sdp->origin.len == 0)
        return 0;
    for (unsigned i = 0; i < sdp->origin.len; i++)
        mark = (mark ^ (uint8_t)sdp->base[sdp->origin.at + i]) * 0x100000001b3u;
    return mark != 0 ? mark : 1;
}

static const char *direction_name(enum cf_sdp_direction direction)
{
    static const char *const names[] = {
        [CF_SDP_SENDRECV] = "sendrecv",
        [CF_SDP_SENDONLY] = "sendonly",
        [CF_SDP_RECVONLY] = "recvonly",
        [CF_SDP_INACTIVE] = "inactive",
    };
    return names[direction];
}

static void put_session(const struct cf_sdp_local *local, uint64_t session, uint32_t version, struct cf_sip_out *out)
{
    const char *type = local->ipv6 ? " IN IP6 " : " IN IP4 ";
    CF_SIP_PUT(out, "v=0\r\no=callfan ");
    cf_sip_put_number(out, session);
    CF_SIP_PUT(out, " ");
    cf_sip_put_number(out, version);
    cf_sip_put_string(out, type);
    cf_sip_put_string(out, local->address);
    CF_SIP_PUT(out, "\r\ns=-\r\nc=");
    cf_sip_put_string(out, type + 1);
    cf_sip_put_string(out, local->address);
    CF_SIP_PUT(out, "\r\nt=0 0\r\n");
}

static void put_audio(const struct cf_sdp_local *local, const struct cf_sdp_codec *codec, unsigned codecs,
                      enum cf_sdp_direction direction, struct cf_sip_out *out)
{
    CF_SIP_PUT(out, "m=audio ");
    cf_sip_put_number(out, local->port);
    CF_SIP_PUT(out, " RTP/AVP");
    for (unsigned i = 0; i < codecs; i++) {
        CF_SIP_PUT(out, " ");
        cf_sip_put_number(out, codec[i].payload);
    }
    CF_SIP_PUT(out, "\r\n");
    for (unsigned i = 0; i < codecs; i++) {
        CF_SIP_PUT(out, "a=rtpmap:");
        cf_sip_put_number(out, codec[i].payload);
        CF_SIP_PUT(out, " ");
        cf_sip_put_string(out, codec[i].name);
        CF_SIP_PUT(out, "/8000\r\n");
    }
    CF_SIP_PUT(out, "a=");
    cf_sip_put_string(out, direction_name(direction));
    CF_SIP_PUT(out, "\r\n");
}

/* Our codecs that the stream offers, in its order. */
static unsigned common_codecs(const struct cf_sdp *offer, const struct cf_sdp_local *local,
                              struct cf_sdp_codec common[CF_SDP_CODECS_MAX])
{
    const struct cf_sdp_stream *stream = &offer->stream[offer->audio];
    const char *formats = offer->base + stream->formats.at;
    struct cf_sip_cursor c = {formats, formats + stream->formats.len};
    unsigned count = 0;
    for (unsigned read = 0; read < CF_SDP_FORMATS_MAX; read++) {
        const char *word;
        uint32_t payload;
        const size_t len = take_word(&c, &word);
        struct cf_sip_cursor number = {word, word + len};
        if (len == 0)
            break;
        if (!cf_sip_take_number(&number, &payload) || number.p != number.end)
            continue;
        bool known = false;
        for (unsigned i = 0; i < count; i++)
            known |= common[i].payload == payload;
        for (unsigned i = 0; !known && i < local->codecs && count < CF_SDP_CODECS_MAX; i++)
            if (local->codec[i].payload == payload)
                common[count++] = local->codec[i];
    }
    return count;
}

static void put_refused(const struct cf_sdp *offer, const struct cf_sdp_stream *stream, struct cf_sip_out *out)
{
    CF_SIP_PUT(out, "m=");
    cf_sip_put_value(out, offer->base + stream->media.at, stream->media.len);
    CF_SIP_PUT(out, " 0 ");
    cf_sip_put_value(out, offer->base + stream->proto.at, stream->proto.len);
    CF_SIP_PUT(out, " ");
    cf_sip_put_value(out, offer->base + stream->formats.at, stream->formats.len);
    CF_SIP_PUT(out, "\r\n");
}

bool cf_sdp_accepted(const struct cf_sdp *answer, const struct cf_sdp_local *local)
{
    struct cf_sdp_codec common[CF_SDP_CODECS_MAX];
    /* Our offer has one stream, so the answer's first one is its answer. */
    return answer->audio == 0 && common_codecs(answer, local, common) != 0;
}

enum cf_sdp_error cf_sdp_answer_as(const struct cf_sdp *offer, const struct cf_sdp_local *local,
                                   enum cf_sdp_direction ours, uint64_t session, uint32_t version,
                                   struct cf_sip_out *out)
{
    struct cf_sdp_codec common[CF_SDP_CODECS_MAX];
    if (offer->audio < 0)
        return CF_SDP_ERROR_NOTHING;
    const unsigned count = common_codecs(offer, local, common);
    if (count == 0)
        return CF_SDP_ERROR_NOTHING;
    put_session(local, session, version, out);
    for (unsigned i = 0; i < offer->streams; i++) {
        if ((int)i == offer->audio)
            put_audio(local, common, count, cf_sdp_answer_direction(offer, ours), out);
        else
            put_refused(offer, &offer->stream[i], out);
    }
    return CF_SDP_ERROR_OK;
}

void cf_sdp_offer_as(const struct cf_sdp_local *local, enum cf_sdp_direction ours, uint64_t session, uint32_t version,
                     struct cf_sip_out *out)
{
    put_session(local, session, version, out);
    put_audio(local, local->codec, local->codecs, ours, out);
}

enum cf_sdp_error cf_sdp_answer(const struct cf_sdp *offer, const struct cf_sdp_local *local, uint64_t session,
                                uint32_t version, struct cf_sip_out *out)
{
    return cf_sdp_answer_as(offer, local, CF_SDP_SENDRECV, session, version, out);
}

void cf_sdp_offer(const struct cf_sdp_local *local, uint64_t session, uint32_t version, struct cf_sip_out *out)
{
    cf_sdp_offer_as(local, CF_SDP_SENDRECV, session, version, out);
}
