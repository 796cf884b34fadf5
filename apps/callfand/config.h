/*
 * The configuration of callfand: a file in libConfuse's syntax, documented in callfan.conf(5).
 *
 * Shape      options at the top, a section `provider NAME { ... }` per provider, sections `access NAME { ... }`. Of a provider's section
 *            callfand reads its own keys; the rest belongs to the provider's program, which reads the same file
 * Errors     one sentence, "FILE:LINE: what is wrong" wherever there is a line to name
 * Writers    nobody after cf_config_load()
 */
#ifndef CF_CALLFAND_CONFIG_H
#define CF_CALLFAND_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/callfand/access.h"
#include "callfan/limits.h"
#include "core/engine.h"
#include "shm/sys_confine.h"

#define CF_SOCKET_PATH_MAX   96 /* of the 108 bytes of sun_path; room for ".lock" and a NUL */
#define CF_PRIORITIES_PATH_MAX 1024
#define CF_PROVIDER_ARGS_MAX 32

struct cf_config_provider {
    char name[CF_NAME_MAX];
    char *command; /* NULL: somebody else starts it */
    char *args[CF_PROVIDER_ARGS_MAX];
    uint32_t args_count;
    uint32_t restart_ms_min; /* pause before the first restart; doubles up to the maximum */
    uint32_t restart_ms_max;
    uint32_t line;
    uint64_t digest; /* of the section's text: tells that something of it changed */
    struct cf_identity identity; /* who the program runs as; that of the core where the section does not say */
};

struct cf_config {
    char *path;
    char socket[CF_SOCKET_PATH_MAX];
    uint32_t socket_mode;
    int64_t socket_gid; /* -1: unchanged */
    char priorities[CF_PRIORITIES_PATH_MAX]; /* the file of lineSetAppPriority; "": beside the socket */
    struct cf_limits limits;
    uint32_t ring_bytes_max; /* largest down ring that a peer may ask for */
    enum cf_close_policy close_policy;
    uint32_t spin_us;
    int32_t engine_cpu, door_cpu; /* -1: any */
    uint32_t hang_seconds;        /* 0: never */
    uint32_t provider_hang_seconds; /* 0: never */
    uint32_t hello_ms;            /* time for a peer's hello */
    uint32_t hellos_max;          /* peers that have not said hello yet */
    struct cf_identity identity;  /* who the core runs as */
    bool huge_pages;              /* asked for, where they pay */
    bool sandbox;                 /* core and providers are confined to the system calls they need */
    uint32_t providers_count;
    struct cf_config_provider providers[CF_PROVIDERS_MAX];
    struct cf_access_section *access; /* in the order of the file */
    uint32_t access_count;
};

/* Reads and checks the file. False: why says what is wrong. */
bool cf_config_load(const char *path, struct cf_config *ret_config, char *why, size_t why_bytes);
void cf_config_fini(struct cf_config *config);

/* What of next cannot take effect without a restart: names, separated by ", ". False: nothing. */
bool cf_config_needs_restart(const struct cf_config *old, const struct cf_config *next, char *names,
                             size_t names_bytes);

/* Moves the access sections of next over. False: they are the same, nothing is moved. */
bool cf_config_take_access(struct cf_config *config, struct cf_config *next);

/* A provider's settings as memory of their own, and their end. */
void cf_config_provider_copy(const struct cf_config_provider *provider, struct cf_config_provider *ret_provider);
void cf_config_provider_fini(struct cf_config_provider *provider);

/* The index of a provider, or -1. */
int cf_config_provider_find(const struct cf_config *config, const char *name);

/*
 * Where a provider's program is: command itself when it has a slash, else beside this program, else along PATH.
 * False: nowhere.
 */
bool cf_config_command_path(const char *command, char *path, size_t path_bytes);

#endif
