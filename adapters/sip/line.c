/* See line.h. */
#include "adapters/sip/line.h"
#include "adapters/sip/login.h"

enum {
    RETRY_S_MIN = 30,
    RETRY_S_MAX = 600,
    RETRY_AFTER_S_MAX = 3600, /* what a registrar may ask for */
    REFRESH_S_MIN = 5,        /* whatever it grants */
};

static unsigned slot_of(enum cf_sip_use use)
{
    return use == CF_SIP_USE_REGISTER ? 0 : 1;
}

static bool registers(const struct cf_sip_line *line)
{
    return line->stack->config.register_s != 0;
}

static bool asks(const struct cf_sip_line *line)
{
    return line->stack->config.options_s != 0;
}

void cf_sip_line_init(struct cf_sip_line *line, struct cf_sip_stack *stack, struct cf_sip_transactions *transactions)
{
    line->stack = stack;
    line->transactions = transactions;
    line->timer[0].kind = CF_SIP_TIMER_REGISTER;
    line->timer[1].kind = CF_SIP_TIMER_OPTIONS;
    line->expires_s = stack->config.register_s;
    line->in_service = !registers(line) && !asks(line);
}

static void tell(struct cf_sip_line *line, unsigned status)
{
    const bool in_service = (!registers(line) || line->registered) && (!asks(line) || line->alive);
    if (in_service == line->in_service || line->leaving)
        return;
    line->in_service = in_service;
    if (line->service != NULL)
        line->service(line->service_context, in_service, status);
}

/* ---- the requests */

static void put_address(struct cf_sip_out *out, const struct cf_sip_config *config, const char *header)
{
    cf_sip_put_string(out, header);
    CF_SIP_PUT(out, ": <sip:");
    cf_sip_put_string(out, config->number != NULL ? config->number : config->user);
    CF_SIP_PUT(out, "@");
    cf_sip_put_string(out, config->domain);
    CF_SIP_PUT(out, ">");
}

/* Call-ID and tag of all requests of a kind, the same as long as the program runs (RFC 3261 10.2.4). */
static struct cf_sip_key name_of(const struct cf_sip_line *line, enum cf_sip_use use)
{
    struct cf_sip_hash hash;
    cf_sip_hash_init(&hash, &line->stack->config.secret);
    cf_sip_hash_bytes(&hash, "line", 4);
    cf_sip_hash_number(&hash, use);
    return cf_sip_hash_end(&hash);
}

static struct cf_sip_asking begin(struct cf_sip_line *line, enum cf_sip_use use, enum cf_sip_method method)
{
    struct cf_sip_stack *stack = line->stack;
    const struct cf_sip_config *config = &stack->config;
    const struct cf_sip_key name = name_of(line, use);
    struct cf_sip_out *out = cf_sip_stack_begin(stack);
    char branch[CF_SIP_BRANCH_LEN];
    struct cf_sip_asking asking = {.to = config->peer, .use = use, .cseq = ++line->cseq};
    asking.key = cf_sip_branch_make(line->transactions, method, branch);
    cf_sip_put_string(out, cf_sip_method_name(method));
    CF_SIP_PUT(out, " sip:");
    const size_t uri_at = out->len - 4;
    cf_sip_put_string(out, config->domain);
    const size_t uri_len = out->len - uri_at;
    cf_sip_put_via(stack, &asking.to, branch, &asking.parts);
    cf_sip_login_put(stack, cf_sip_method_name(method), out->text + uri_at, uri_len);
    put_address(out, config, "From");
    CF_SIP_PUT(out, ";tag=");
    cf_sip_put_hex64(out, name.word[0]);
    CF_SIP_PUT(out, "\r\n");
    put_address(out, config, "To");
    CF_SIP_PUT(out, "\r\nCall-ID: ");
    cf_sip_put_hex64(out, name.word[1]);
    CF_SIP_PUT(out, "@");
    cf_sip_put_string(out, config->host);
    CF_SIP_PUT(out, "\r\nCSeq: ");
    cf_sip_put_number(out, asking.cseq);
    CF_SIP_PUT(out, " ");
    cf_sip_put_string(out, cf_sip_method_name(method));
    CF_SIP_PUT(out, "\r\n");
    cf_sip_put_contact(stack, out, &asking.to);
    return asking;
}

/* Without a free transaction it is tried again as after a failure. */
static void ask(struct cf_sip_line *line, const struct cf_sip_asking *asking)
{
    const unsigned slot = slot_of(asking->use);
    struct cf_sip_client **owner = &line->client[slot];
    cf_sip_wheel_disarm(line->stack->wheel, &line->timer[slot]);
    if (*owner != NULL)
        (*owner)->owner = NULL; /* answered, or overtaken by the end of the line */
    *owner = cf_sip_client_new(line->transactions, asking);
    if (*owner != NULL)
        (*owner)->owner = owner;
    else
        cf_sip_wheel_arm(line->stack->wheel, &line->timer[slot], line->stack->now_ns + RETRY_S_MIN * CF_SIP_NS_PER_S);
}

static void send_register(struct cf_sip_line *line)
{
    const struct cf_sip_asking asking = begin(line, CF_SIP_USE_REGISTER, CF_SIP_REGISTER);
    struct cf_sip_out *out = &line->stack->out;
    CF_SIP_PUT(out, "Expires: ");
    cf_sip_put_number(out, line->leaving ? 0 : line->expires_s);
    CF_SIP_PUT(out, "\r\nContent-Length: 0\r\n\r\n");
    ask(line, &asking);
}

static void send_options(struct cf_sip_line *line)
{
    const struct cf_sip_asking asking = begin(line, CF_SIP_USE_OPTIONS, CF_SIP_OPTIONS);
    CF_SIP_PUT(&line->stack->out, "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
    ask(line, &asking);
}

void cf_sip_line_start(struct cf_sip_line *line)
{
    if (registers(line))
        send_register(line);
    if (asks(line))
        send_options(line);
}

bool cf_sip_line_leave(struct cf_sip_line *line)
{
    const struct cf_sip_client *asked = line->client[0];
    if (!line->leaving) {
        /* One that is on its way may be granted yet. */
        line->registered |= asked != NULL && asked->state <= CF_SIP_TRANSACTION_PROCEEDING;
        line->leaving = true;
        line->auth_tries[0] = 0;
        if (line->registered)
            send_register(line);
        else
            cf_sip_wheel_disarm(line->stack->wheel, &line->timer[0]);
    }
    return line->registered;
}

/* ---- the answers */

static void wait(struct cf_sip_line *line, enum cf_sip_use use, uint64_t seconds)
{
    cf_sip_wheel_arm(line->stack->wheel, &line->timer[slot_of(use)], line->stack->now_ns + seconds * CF_SIP_NS_PER_S);
}

static void not_granted(struct cf_sip_line *line, const struct cf_sip_msg *response)
{
    uint32_t seconds = RETRY_S_MIN << (line->failures < 5 ? line->failures : 5);
    line->stack->counters.register_failures++;
    line->registered = false;
    line->failures++;
    if (line->leaving)
        return;
    if (seconds > RETRY_S_MAX)
        seconds = RETRY_S_MAX;
    if (response != NULL)
        cf_sip_retry_after_read(response, &seconds);
    seconds = seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX;
    wait(line, CF_SIP_USE_REGISTER, seconds != 0 ? seconds : 1);
    tell(line, response != NULL ? response->status : 408);
}

/* What a registrar grants that tells our contact by another name, as some do behind address translation: no longer than to anybody. */
static uint32_t shortest_granted(const struct cf_sip_msg *response, uint32_t asked_s)
{
    struct cf_sip_contacts contacts;
    uint32_t seconds = asked_s;
    if (cf_sip_seen(response, CF_SIP_HEADER_EXPIRES) && response->expires != 0 && response->expires < seconds)
        seconds = response->expires;
    cf_sip_contacts_read(response, &contacts);
    for (unsigned i = 0; i < contacts.count; i++)
        if (contacts.contact[i].expires_given && contacts.contact[i].expires_s != 0 &&
            contacts.contact[i].expires_s < seconds)
            seconds = contacts.contact[i].expires_s;
    return seconds;
}

static void granted(struct cf_sip_line *line, const struct cf_sip_msg *response)
{
    const struct cf_sip_config *config = &line->stack->config;
    uint32_t seconds;
    if (!cf_sip_granted_read(response, config->user, config->host, config->port, &seconds))
        seconds = shortest_granted(response, line->expires_s);
    if (seconds == 0 && !line->leaving) { /* it says that we are not there */
        not_granted(line, response);
        return;
    }
    line->stack->counters.registered++;
    line->registered = !line->leaving;
    line->failures = 0;
    if (line->leaving)
        return;
    wait(line, CF_SIP_USE_REGISTER, seconds / 2 > REFRESH_S_MIN ? seconds / 2 : REFRESH_S_MIN);
    tell(line, response->status);
}

static void register_answered(struct cf_sip_line *line, const struct cf_sip_msg *response)
{
    const unsigned status = response != NULL ? response->status : 408;
    uint32_t min_s;
    if (status < 300) {
        line->auth_tries[0] = 0;
        granted(line, response);
    } else if ((status == 401 || status == 407) &&
               cf_sip_login_challenged(line->stack, response, &line->auth_tries[0])) {
        send_register(line);
    } else if (status == 423 && cf_sip_min_expires_read(response, &min_s) == 1 && min_s > line->expires_s) {
        line->expires_s = min_s;
        send_register(line);
    } else {
        line->auth_tries[0] = 0;
        not_granted(line, response);
    }
}

/* Whatever answers is alive, be it with 404 or 401; 408 and 503 are a proxy's word for nobody being there. */
static void options_answered(struct cf_sip_line *line, const struct cf_sip_msg *response)
{
    line->alive = response != NULL && response->status != 408 && response->status != 503;
    line->stack->counters.options_failures += !line->alive;
    wait(line, CF_SIP_USE_OPTIONS, line->stack->config.options_s);
    tell(line, response != NULL ? response->status : 408);
}

void cf_sip_line_response(struct cf_sip_line *line, enum cf_sip_use use, const struct cf_sip_msg *response)
{
    if (use == CF_SIP_USE_REGISTER)
        register_answered(line, response);
    else
        options_answered(line, response);
}

void cf_sip_line_timeout(struct cf_sip_line *line, enum cf_sip_use use)
{
    if (use == CF_SIP_USE_REGISTER)
        send_register(line);
    else
        send_options(line);
}

bool cf_sip_line_check(const struct cf_sip_line *line)
{
    for (unsigned i = 0; i < 2; i++)
        if (line->client[i] != NULL && line->client[i]->owner != &line->client[i])
            return false;
    return true;
}
