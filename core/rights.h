/*
 * Rights: on which lines an application may own calls, on which it may monitor them, and how much of the engine it may use.
 *
 * Shape      one structure per port in the journaled state: limits, the name of what granted it, up to 16 rules. The door decides it at
 *            the hello and sends it with CF_DOOR_ATTACH, only as many rules as there are; it stays for the port's life
 * Units      lines by their provider's own numbers; a provider by the digest of its name, so that a rule never comes to mean another
 *            provider that has been given the same place
 * Invariant  cf_rights_check(). Several rules for a line add up; what no rule names is not allowed
 * Writers    the engine's thread, when the port attaches
 * Trust      the door is believed, but bytes that are no rights refuse the port
 */
#ifndef CF_CORE_RIGHTS_H
#define CF_CORE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "callfan/limits.h"

#define CF_RIGHTS_RULES_MAX 16

#define CF_RIGHT_OWN 1u     /* get owner privilege: make calls, be offered calls, raise oneself */
#define CF_RIGHT_MONITOR 2u /* hear of every call */

struct cf_rights_rule {
    uint64_t provider;    /* cf_rights_provider(); 0: every provider */
    uint32_t first, last; /* its line numbers, both included */
    uint32_t bits;        /* CF_RIGHT_ */
    uint32_t reserved;
};
_Static_assert(sizeof(struct cf_rights_rule) == 24, "layout");

struct cf_rights {
    /* line 0 */
    uint32_t rules_count;
    uint32_t handles;    /* call handles at once */
    uint32_t open_lines; /* at once */
    uint32_t records;    /* taken from it in one turn */
    uint32_t reserved[12];
    /* line 1: of the access section; "": everything is allowed, no section was asked */
    char name[CF_NAME_MAX];
    /* lines 2 to 7 */
    struct cf_rights_rule rules[CF_RIGHTS_RULES_MAX];
};
_Static_assert(offsetof(struct cf_rights, name) == 64, "line 1");
_Static_assert(offsetof(struct cf_rights, rules) == 128, "line 2");
_Static_assert(sizeof(struct cf_rights) == 512, "eight lines");

/* Every line, and as much as the limits allow. */
void cf_rights_everything(struct cf_rights *rights, const struct cf_limits *limits);

/* The digest of a provider's name of at most CF_NAME_MAX bytes, terminated or not; never 0. */
uint64_t cf_rights_provider(const char *name);

/* May it own, monitor that line? CF_RIGHT_ bits. provider: cf_rights_provider(). */
uint32_t cf_rights_of(const struct cf_rights *rights, uint64_t provider, uint32_t line);

/* Bytes that travel: without the rules that are not used. */
uint32_t cf_rights_bytes(const struct cf_rights *rights);

/* From what travelled. False: these are no rights. */
bool cf_rights_read(const void *bytes, uint32_t count, const struct cf_limits *limits, struct cf_rights *ret_rights);

/* The limits are in range and do not exceed those of everybody; each rule says something. */
bool cf_rights_check(const struct cf_rights *rights, const struct cf_limits *limits);

#endif
