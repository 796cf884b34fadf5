/*
 * How many SIP messages does one core scan?
 *
 * Expected: at least 4 M messages/s, 250 ns each. The 807-byte INVITE has 570 bytes of headers in 13 lines: nine looks at 64
 * bytes for the ends of lines, some 15 ns a line for finding the name, choosing the reader and noting the result, as much
 * again for Via, From, To and Contact. A parser that makes a tree with an allocation per item needs 2 to 4 us.
 * Method: `invite` and `bye` are one message again and again, its bytes in the first-level cache, as they are when the kernel has
 * just copied a datagram. `traffic` goes through the captured messages of tests/corpus/sip_capture (120 KB, 478 bytes in the
 * mean; sipp, kamailio, baresip) in an order by chance, so that branches are not learnt by heart; its time is that of all of
 * them, its rate is per message. `_ref_memchr` is the bare loop: memchr() to each end of line, the body's too, and nothing
 * else. `_ref_osip` is libosip2's parser (init, parse, free), where it is installed.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "adapters/sip/scan.h"
#include "bench/cbench.h"

#if defined(__has_include)
#if __has_include(<osipparser2/osip_parser.h>)
#define HAVE_OSIP 1
#include <osipparser2/osip_parser.h>
#endif
#endif

struct sample {
    const char *text;
    size_t len;
};

#define SAMPLE(t)                                                                                                      \
    {                                                                                                                  \
        (t), sizeof(t) - 1                                                                                             \
    }

static const struct sample invite =
    SAMPLE("INVITE sip:+441632960123@trunk.example.net:5060;user=phone SIP/2.0\r\n"
           "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-1---5ac3a0c7d2f1;rport\r\n"
           "Max-Forwards: 70\r\n"
           "From: \"Alice Example\" <sip:+15550100@carrier.example.com>;tag=9f1c2d3e\r\n"
           "To: <sip:+441632960123@trunk.example.net>\r\n"
           "Call-ID: 8f2c1a90-4d5b-11ee-9c1e-0242ac120002@198.51.100.7\r\n"
           "CSeq: 1 INVITE\r\n"
           "Contact: <sip:+15550100@198.51.100.7:5060;transport=udp>\r\n"
           "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE\r\n"
           "User-Agent: Example SBC 7.1\r\n"
           "Content-Type: application/sdp\r\n"
           "Content-Length: 236\r\n"
           "\r\n"
           "v=0\r\no=- 3725467 3725467 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n"
           "m=audio 32456 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
           "a=rtpmap:18 G729/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
           "a=sendrecv\r\n");

static const struct sample bye = SAMPLE("BYE sip:callfan@192.0.2.9:5060 SIP/2.0\r\n"
                                        "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK-524287-3---11aa;rport\r\n"
                                        "Max-Forwards: 70\r\n"
                                        "From: <sip:+15550100@carrier.example.com>;tag=9f1c2d3e\r\n"
                                        "To: <sip:+441632960123@trunk.example.net>;tag=00000007a1b2c3d4e5f60718\r\n"
                                        "Call-ID: 8f2c1a90-4d5b-11ee-9c1e-0242ac120002@198.51.100.7\r\n"
                                        "CSeq: 2 BYE\r\n"
                                        "Content-Length: 0\r\n"
                                        "\r\n");

/* ---- The captured messages, one after the other in an order by chance */

enum { TRAFFIC_MAX = 512, TRAFFIC_BYTES_MAX = 1 << 20 };

struct traffic {
    struct sample message[TRAFFIC_MAX];
    size_t count;
    char bytes[TRAFFIC_BYTES_MAX];
    size_t bytes_used;
};

static struct traffic traffic;

static bool read_message(struct traffic *t, const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    const size_t len = fread(t->bytes + t->bytes_used, 1, sizeof(t->bytes) - t->bytes_used, file);
    fclose(file);
    t->message[t->count++] = (struct sample){t->bytes + t->bytes_used, len};
    t->bytes_used += len;
    return len != 0;
}

static void shuffle(struct traffic *t)
{
    uint64_t random = 1;
    for (size_t i = t->count; i-- > 1;) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const size_t j = (size_t)((random >> 33) % (i + 1));
        const struct sample other = t->message[i];
        t->message[i] = t->message[j];
        t->message[j] = other;
    }
}

/* The folder tests/corpus/sip_capture of the source tree. */
static bool read_traffic(struct traffic *t)
{
    static const char folder[] = CALLFAN_SOURCE "/tests/corpus/sip_capture";
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return false;
    bool good = true;
    for (struct dirent *entry; good && t->count < TRAFFIC_MAX && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            good = read_message(t, folder, entry->d_name);
    closedir(dir);
    shuffle(t);
    return good && t->count != 0;
}

static size_t bytes_of(const struct sample *samples, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += samples[i].len;
    return bytes;
}

struct set {
    const struct sample *samples;
    size_t count;
};

static void scan(struct cbench_state *s, void *arg)
{
    const struct set *set = arg;
    struct cf_sip_msg msg;
    for (size_t i = 0; i < set->count; i++)
        if (cf_sip_scan(&msg, set->samples[i].text, set->samples[i].len) != CF_SIP_ERROR_OK) {
            cbench_fail(s, "a sample does not scan");
            return;
        }
    CBENCH_LOOP (s)
        for (size_t i = 0; i < set->count; i++) {
            CBENCH_USE((int)cf_sip_scan(&msg, set->samples[i].text, set->samples[i].len));
            CBENCH_CLOBBER();
        }
    cbench_items(s, cbench_iterations(s) * (int64_t)set->count);
    cbench_bytes(s, cbench_iterations(s) * (int64_t)bytes_of(set->samples, set->count));
}

static void find_lines(struct cbench_state *s, void *arg)
{
    const struct set *set = arg;
    CBENCH_LOOP (s)
        for (size_t i = 0; i < set->count; i++) {
            const char *end = set->samples[i].text + set->samples[i].len;
            size_t lines = 0;
            for (const char *p = set->samples[i].text; p < end; lines++) {
                const char *found = memchr(p, '\n', (size_t)(end - p));
                p = found != NULL ? found + 1 : end;
            }
            CBENCH_USE(lines);
        }
    cbench_items(s, cbench_iterations(s) * (int64_t)set->count);
}

#ifdef HAVE_OSIP
struct osip {
    int (*init)(void);
    int (*message_init)(osip_message_t **);
    int (*message_parse)(osip_message_t *, const char *, size_t);
    void (*message_free)(osip_message_t *);
};

static bool osip_load(struct osip *ret_osip)
{
    void *library = dlopen("libosipparser2.so", RTLD_NOW);
    if (library == NULL)
        return false;
    *(void **)&ret_osip->init = dlsym(library, "parser_init");
    *(void **)&ret_osip->message_init = dlsym(library, "osip_message_init");
    *(void **)&ret_osip->message_parse = dlsym(library, "osip_message_parse");
    *(void **)&ret_osip->message_free = dlsym(library, "osip_message_free");
    return ret_osip->init != NULL && ret_osip->message_init != NULL && ret_osip->message_parse != NULL &&
           ret_osip->message_free != NULL && ret_osip->init() == 0;
}

static struct osip osip;

static void parse_osip(struct cbench_state *s, void *arg)
{
    const struct set *set = arg;
    int result = 0;
    CBENCH_LOOP (s)
        for (size_t i = 0; i < set->count; i++) {
            osip_message_t *message;
            result |= osip.message_init(&message);
            result |= osip.message_parse(message, set->samples[i].text, set->samples[i].len);
            osip.message_free(message);
        }
    cbench_items(s, cbench_iterations(s) * (int64_t)set->count);
    if (result != 0)
        cbench_label(s, "refused by the peer");
}
#endif

int main(int argc, char **argv)
{
    static struct set one_invite = {&invite, 1}, one_bye = {&bye, 1}, all;
    if (!cbench_init(&argc, argv))
        return 1;
    if (!read_traffic(&traffic)) {
        fprintf(stderr, "bench_sip_scan: tests/corpus/sip_capture cannot be read\n");
        return 1;
    }
    all = (struct set){traffic.message, traffic.count};
    cbench_add("invite", scan, &one_invite);
    cbench_add("invite_ref_memchr", find_lines, &one_invite);
    cbench_add("bye", scan, &one_bye);
    cbench_add("bye_ref_memchr", find_lines, &one_bye);
    cbench_add("traffic", scan, &all);
    cbench_add("traffic_ref_memchr", find_lines, &all);
#ifdef HAVE_OSIP
    if (osip_load(&osip)) {
        cbench_add("invite_ref_osip", parse_osip, &one_invite);
        cbench_add("bye_ref_osip", parse_osip, &one_bye);
        cbench_add("traffic_ref_osip", parse_osip, &all);
    }
#endif
    return cbench_run();
}
