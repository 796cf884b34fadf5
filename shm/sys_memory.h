/*
 * Memory that two processes share, and address space kept free for it.
 *
 * Shape      memfd objects, mapped shared; reservations are address space without memory, to be mapped over
 * Units      bytes; sizes and addresses are rounded up to pages by the kernel
 * Invariant  order for an object that goes to a peer: create, map writable wherever it will ever be needed (also without access,
 *            which may be raised later), populate, seal, hand out. Once sealed for writing it can never be mapped writable anew
 * Progress   blocking: page faults, kernel
 * Errors     negative errno
 * Trust      a descriptor from a peer is mapped only after cf_memory_verify(): without F_SEAL_SHRINK a peer can cut the object
 *            and each later access kills with SIGBUS
 */
#ifndef CF_SHM_SYS_MEMORY_H
#define CF_SHM_SYS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/port.h" /* CF_PAGE_BYTES, CF_HUGE_BYTES */

enum cf_access { CF_ACCESS_NONE, CF_ACCESS_READ, CF_ACCESS_WRITE }; /* WRITE includes READ */

/*
 * Which end of a port an object is. DOWN: written by its maker only (F_SEAL_SHRINK|GROW|FUTURE_WRITE|SEAL), mode 0400. UP: written by
 * both (F_SEAL_SHRINK|GROW|SEAL), mode 0600.
 */
enum cf_object { CF_OBJECT_DOWN, CF_OBJECT_UP };

/* Makes a zeroed memfd of that size, close-on-exec, not executable where the kernel knows how to forbid it, not yet sealed. */
int cf_memory_create(const char *name, enum cf_object object, size_t bytes, int *ret_fd);

/* Seals it. What is mapped writable stays so. -EPERM: sealed before. */
int cf_memory_seal(int fd, enum cf_object object);

/*
 * For the receiver: the object has at least the seals that its kind promises, and exactly that size. -EPERM: a seal is missing;
 * -EMSGSIZE: another size; -EINVAL: not a memfd.
 */
int cf_memory_verify(int fd, enum cf_object object, size_t bytes);

/* Maps the object shared. at NULL: anywhere; else exactly there, in place of what lies there (a reservation of the caller). */
int cf_memory_map(int fd, size_t bytes, enum cf_access access, void *at, void **ret_memory);

/* Changes the access of a mapping. */
int cf_memory_protect(void *memory, size_t bytes, enum cf_access access);

/* Gives every page its memory now. write: as a writer (contents stay); else as a reader. -EINVAL: no access of that kind. */
int cf_memory_populate(void *memory, size_t bytes, bool write);

int cf_memory_unmap(void *memory, size_t bytes);

/*
 * Asks for huge pages in [memory, memory + bytes), for as many whole ones as lie in it, before they are touched. A hint: the system
 * grants it for shared memory only when /sys/kernel/mm/transparent_hugepage/shmem_enabled is "advise" or more. At most CF_HUGE_BYTES
 * appear with the first byte that is touched.
 */
void cf_memory_advise_huge(void *memory, size_t bytes);

/* Whether the system would grant it. */
bool cf_memory_grants_huge(void);

/* Address space without memory and without access, not in core dumps; begins at a multiple of CF_HUGE_BYTES. */
int cf_memory_reserve(size_t bytes, void **ret_memory);

/* Turns a piece of a reservation that was mapped over into plain reservation again. */
int cf_memory_unmap_to_reservation(void *memory, size_t bytes);

/*
 * Zeroed memory that appears when it is touched, writable, not counted against overcommit, not in core dumps. shared: also
 * seen and changed by children forked later.
 */
int cf_memory_anonymous(size_t bytes, bool shared, void **ret_memory);

/* The same, shared, with a descriptor that knows where memory has appeared and is good for nothing else: sealed, and of mode 0. Begins
 * at a multiple of CF_HUGE_BYTES. */
int cf_memory_sparse(const char *name, size_t bytes, int *ret_fd, void **ret_memory);

/* The next whole pages of it at or after `from` that have appeared. False: there are none. Takes no time for what has not. */
bool cf_memory_appeared(int fd, uint64_t from, uint64_t *ret_first, uint64_t *ret_end);

#endif
