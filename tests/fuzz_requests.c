/*
 * Fuzz entry of the engine against applications that do anything: their requests, their rings, their words, acknowledgements that lie. The providers keep the rules unless the input says otherwise.
 * tests/support/fuzz_steps.c has the steps, tests/support/fuzz_rig.h what must hold after each.
 */
/* ctest-args: --variations 8 */
/* ctest-args-sanitized: --variations 1 */
#include "tests/support/fuzz_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_run(data, size, FUZZ_HOSTILE_APPLICATIONS);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    return fuzz_steps_mutate(data, size, size_max, seed);
}
