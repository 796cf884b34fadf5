/*
 * Fuzz entry of the configuration: the bytes are a file. callfand reads it, and so does each provider its own section of it (`sip`,
 * `modem`, `sim`). Each takes it or names the file, and the line where there is one; what it takes keeps its bounds; nothing stays
 * allocated (the leak check of the sanitizer sees to that).
 */
/* ctest-args: --variations 16 */
/* ctest-args-sanitized: --variations 1 */
#define _GNU_SOURCE /* memfd_create(), memmem() */
#include <assert.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adapters/modem/settings.h"
#include "adapters/provider/options.h"
#include "adapters/sim/settings.h"
#include "adapters/sip/settings.h"
#include "apps/callfand/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No name server is asked for what an input calls a host. */
int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict ret_found)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)ret_found;
    return EAI_NONAME;
}

static char path[64];
static unsigned lines; /* of the file */

/* "PATH:LINE: sentence" or "PATH: sentence", and the line is one of the file. */
static void check_sentence(const char *why)
{
    const size_t n = strlen(path);
    if (strncmp(why, "cannot read the configuration", 29) == 0 || strncmp(why, "provider ", 9) == 0)
        return;
    assert(strncmp(why, path, n) == 0 && why[n] == ':');
    if (why[n + 1] == ' ') {
        assert(why[n + 2] != '\0');
        return;
    }
    char *rest;
    const unsigned long line = strtoul(why + n + 1, &rest, 10);
    assert(line >= 1 && line <= lines && strncmp(rest, ": ", 2) == 0 && rest[2] != '\0');
}

static void check_config(const struct cf_config *c)
{
    char why[200], names[512];
    assert(cf_limits_check(&c->limits, why, sizeof why));
    assert(c->providers_count <= c->limits.providers && strcmp(c->path, path) == 0);
    assert(c->socket[0] != '\0' && strnlen(c->socket, sizeof c->socket) < sizeof c->socket);
    assert((c->ring_bytes_max & (c->ring_bytes_max - 1)) == 0 && c->ring_bytes_max >= c->limits.down_ring_bytes);
    assert(!cf_config_needs_restart(c, c, names, sizeof names));
    for (uint32_t i = 0; i < c->providers_count; i++) {
        const struct cf_config_provider *p = &c->providers[i];
        struct cf_config_provider copy;
        assert(strnlen(p->name, sizeof p->name) < sizeof p->name && cf_config_provider_find(c, p->name) == (int)i);
        assert(p->line >= 1 && p->line <= lines && p->args_count <= CF_PROVIDER_ARGS_MAX);
        assert(p->restart_ms_min >= 1 && p->restart_ms_min <= p->restart_ms_max);
        assert(p->command == NULL || *p->command != '\0');
        cf_config_provider_copy(p, &copy);
        cf_config_provider_fini(&copy);
    }
}

static void read_config(void)
{
    static struct cf_config config;
    char why[512] = "";
    if (!cf_config_load(path, &config, why, sizeof why)) {
        check_sentence(why);
        return;
    }
    check_config(&config);
    cf_config_fini(&config);
}

static void read_sip(void)
{
    static struct cf_sip_settings settings;
    const struct cf_options options = {.name = "sip", .config = path};
    char why[512] = "";
    if (cf_sip_settings_read(&options, &settings, why, sizeof why) < 0) {
        check_sentence(why);
        return;
    }
    assert(settings.lines >= 1 && settings.lines <= CF_SIP_LINES_MAX && settings.common.admits <= CF_SIP_ADMITS_MAX);
    for (unsigned i = 0; i < settings.lines; i++) {
        struct cf_sip_config config = cf_sip_settings_line(&settings, i);
        assert(cf_sip_config_complete(&config) == NULL);
    }
}

static void read_modem(void)
{
    static struct cf_modem_settings settings;
    const struct cf_options options = {.name = "modem", .config = path};
    char why[512] = "";
    if (cf_modem_settings_read(&options, &settings, why, sizeof why) < 0) {
        check_sentence(why);
        return;
    }
    assert(settings.lines >= 1 && settings.lines <= CF_MODEM_LINES_MAX && settings.retry_ns > 0);
    for (unsigned i = 0; i < settings.lines; i++) {
        const struct cf_modem_config config = cf_modem_settings_line(&settings, i);
        assert(config.profile != NULL && settings.line[i].device[0] != '\0');
    }
}

static void read_sim(void)
{
    struct cf_sim_settings settings;
    const struct cf_options options = {.name = "sim", .config = path};
    char why[512] = "";
    if (cf_sim_settings_read(&options, &settings, why, sizeof why) < 0) {
        check_sentence(why);
        return;
    }
    assert(settings.lines >= 1 && settings.lines <= CF_LINES_MAX && settings.dial_count <= CF_SIM_DIAL_RULES_MAX);
    assert(settings.busy + settings.no_answer + settings.abandon <= 1.0 + 1e-9);
    cf_sim_settings_fini(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("config", MFD_CLOEXEC);
    assert(fd >= 0);
    const ssize_t written = write(fd, data, size);
    assert(written == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    read_config();
    if (memmem(data, size, "sip", 3) != NULL) /* without its section there is nothing to find, but the time it takes */
        read_sip();
    if (memmem(data, size, "modem", 5) != NULL)
        read_modem();
    if (memmem(data, size, "sim", 3) != NULL)
        read_sim();
    close(fd);
    return 0;
}
