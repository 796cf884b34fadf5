/*
 * Runs a libFuzzer entry without libFuzzer: over the files named on the command line, the files of folders named there,
 * and over variations of each.
 *
 *     fuzz_<format> [--variations N] [--seed N] FILE_OR_FOLDER...
 *
 * Each input is placed so that its last byte is followed by a page without access, and once more so that its first byte
 * follows one: reading past either end is a fault in every build, not only under AddressSanitizer. Variations (default
 * 64 per file) are made from the seed alone, so a failure comes back with the same command; before the entry is called
 * the input's number is kept, and a fault prints it.
 *
 * Exit status: 0 when every input was survived, 1 when there was none to run or a file could not be read.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_SIZE_MAX = 1 << 20, PATH_SIZE = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct area {
    uint8_t *begin; /* first byte that may be accessed; a page without access lies before it and after end */
    uint8_t *end;
};

struct runner {
    struct area area;
    uint64_t seed;
    unsigned long variations;
    unsigned long files;
    unsigned long inputs;
};

/* What the fault handler prints: the input in hand. */
static char current_file[PATH_SIZE];
static volatile sig_atomic_t current_variation;

static void print_current(int signal_number)
{
    char text[PATH_SIZE + 128];
    const int len = snprintf(text, sizeof text, "signal %d at variation %d of %s\n", signal_number,
                             (int)current_variation, current_file);

    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(1);
    raise(signal_number); /* the handler was reset: this ends the process */
}

/* SIGSEGV and SIGBUS stay AddressSanitizer's and ThreadSanitizer's own, which print more. */
static void watch_faults(void)
{
    const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction old;
        struct sigaction action = {.sa_handler = print_current, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
    }
}

static struct area area_open(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *all = mmap(NULL, INPUT_SIZE_MAX + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED || mprotect(all + page, INPUT_SIZE_MAX, PROT_READ | PROT_WRITE) != 0) {
        perror("fuzz_main: mmap");
        exit(1);
    }
    return (struct area){.begin = all + page, .end = all + page + INPUT_SIZE_MAX};
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t bound)
{
    return bound == 0 ? 0 : (size_t)(random_next(state) % bound);
}

/* Changes `data` in one small way; returns its new size, at most size_max. */
static size_t vary_once(uint8_t *data, size_t size, size_t size_max, uint64_t *state)
{
    static const uint8_t telling[] = {0,   1,   0x7f, 0x80, 0xff, '\r', '\n', ' ', ':', ';',
                                      ',', '"', '<',  '>',  '=',  '@',  '%',  '0', '9'};
    const size_t at = random_below(state, size);
    const size_t len = 1 + random_below(state, size - at < 64 ? size - at : 64);

    if (size == 0) {
        data[0] = telling[random_below(state, sizeof telling)];
        return 1;
    }
    switch (random_below(state, 7)) {
    case 0: /* one bit */
        data[at] ^= (uint8_t)(1u << random_below(state, 8));
        return size;
    case 1: /* one byte */
        data[at] = (uint8_t)random_next(state);
        return size;
    case 2: /* one byte that parsers look for */
        data[at] = telling[random_below(state, sizeof telling)];
        return size;
    case 3: /* cut short */
        return at;
    case 4: /* a piece taken out */
        if (at + len > size)
            return at;
        memmove(data + at, data + at + len, size - at - len);
        return size - len;
    case 5: /* a piece twice */
        if (at + len > size || size + len > size_max)
            return size;
        memmove(data + at + len, data + at, size - at);
        return size + len;
    default: /* a number of digits, a run of one byte */
        memset(data + at, telling[random_below(state, sizeof telling)], at + len > size ? size - at : len);
        return size;
    }
}

static void run_one(struct runner *r, const uint8_t *data, size_t size)
{
    uint8_t *const late = r->area.end - size;

    memcpy(late, data, size);
    LLVMFuzzerTestOneInput(late, size);
    memcpy(r->area.begin, data, size);
    LLVMFuzzerTestOneInput(r->area.begin, size);
    r->inputs++;
}

static void run_variations(struct runner *r, const uint8_t *data, size_t size)
{
    static uint8_t varied[INPUT_SIZE_MAX];
    uint64_t state = r->seed;

    for (unsigned long v = 1; v <= r->variations; v++) {
        size_t varied_size = size;
        const size_t changes = 1 + random_below(&state, 4);

        memcpy(varied, data, size);
        for (size_t i = 0; i < changes; i++)
            varied_size = vary_once(varied, varied_size, sizeof varied, &state);
        current_variation = (sig_atomic_t)v;
        run_one(r, varied, varied_size);
    }
    current_variation = 0;
}

static bool run_file(struct runner *r, const char *path)
{
    static uint8_t data[INPUT_SIZE_MAX];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        fprintf(stderr, "fuzz_main: %s: %s\n", path, strerror(errno));
        return false;
    }
    const size_t size = fread(data, 1, sizeof data, file);
    const bool whole = !ferror(file) && fgetc(file) == EOF;
    fclose(file);
    if (!whole) {
        fprintf(stderr, "fuzz_main: %s: cannot be read or is longer than %d bytes\n", path, INPUT_SIZE_MAX);
        return false;
    }
    snprintf(current_file, sizeof current_file, "%s", path);
    current_variation = 0;
    run_one(r, data, size);
    run_variations(r, data, size);
    r->files++;
    return true;
}

static bool run_folder(struct runner *r, const char *path)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    bool ok = count >= 0;

    if (!ok)
        fprintf(stderr, "fuzz_main: %s: %s\n", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char name[PATH_SIZE];
        const int len = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.')
            ok = len < (int)sizeof name && run_file(r, name) && ok;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return ok;
}

static bool run_path(struct runner *r, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "fuzz_main: %s: %s\n", path, strerror(errno));
        return false;
    }
    return S_ISDIR(st.st_mode) ? run_folder(r, path) : run_file(r, path);
}

int main(int argc, char **argv)
{
    struct runner runner = {.area = area_open(), .seed = 1, .variations = 64};
    bool ok = true;

    watch_faults();
    for (int i = 1; i + 1 < argc; i++) { /* wherever they stand, they count for all */
        if (strcmp(argv[i], "--variations") == 0)
            runner.variations = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            runner.seed = strtoull(argv[++i], NULL, 10);
    }
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && (strcmp(argv[i], "--variations") == 0 || strcmp(argv[i], "--seed") == 0))
            i++;
        else
            ok = run_path(&runner, argv[i]) && ok;
    }
    printf("%lu files, %lu inputs\n", runner.files, runner.inputs);
    if (runner.files == 0)
        fprintf(stderr, "fuzz_main: no input\n");
    return ok && runner.files > 0 ? 0 : 1;
}
