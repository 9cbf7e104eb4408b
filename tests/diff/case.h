/* A test case is IR text that begins with lines about its arguments:
 *
 *   // arg NAME tensor SEED FILL OFFSET LENGTH shape A B … stride P Q …
 *   // arg NAME scalar VALUE
 *   // arg NAME pointer TYPE SEED FILL …          as a tensor, of which the program gets the address
 *
 * Running a case means: the interpreter gives values and bounds, every other way to run it is compared with them. */
#ifndef TG_TESTS_DIFF_CASE_H
#define TG_TESTS_DIFF_CASE_H

#include "dsl/interp/interp.h"
#include "tests/support/x86_run.h"

typedef enum diff_fill {
    DIFF_FILL_SPECIAL,
    DIFF_FILL_SMALL,
    DIFF_FILL_FLOAT,
    DIFF_FILL_INDEX,
    DIFF_FILL_COUNT
} diff_fill;

typedef struct diff_tensor {
    uint64_t seed;
    diff_fill fill;
    int64_t offset, length; /* elements: of element (0, …) in the storage, and of the storage */
    int64_t shape[8], stride[8];
} diff_tensor;

typedef struct diff_outcome {
    bool failed, unsupported;
    int64_t elements, unverifiable;
    char stage[96]; /* what failed */
    char text[512];
} diff_outcome;

/* Instruction set to compile for, which the processor must have; null: all that it has. */
extern const char *diff_arch;

enum { DIFF_PASSES = 1, DIFF_X86 = 2, DIFF_ALL = 3 };

uint64_t diff_random(uint64_t *state);

void diff_print_tensor(tg_strbuf *out, const char *name, uint32_t rank, const diff_tensor *t);
/* A pointer to one of that type. */
void diff_print_pointer(tg_strbuf *out, const char *name, tg_dtype dtype, uint32_t rank, const diff_tensor *t);
/* False if a line about a parameter is missing or wrong. */
bool diff_args_make(x86_args *a, const tg_func *f, const char *text);

/* Reads and verifies text; null and a reason in *why on failure. */
tg_func *diff_read(const char *text, tg_arena *arena, const char **why);

/* Runs the case in all the ways of `what`. */
void diff_case_run(const char *text, unsigned what, diff_outcome *out);

/* Makes the text of a program; malloc. */
char *diff_generate(uint64_t seed);
/* The same program with a random schedule; malloc. */
char *diff_schedule(const char *text, uint64_t seed);
/* The arguments of `text` with another function; malloc. */
char *diff_with_function(const char *text, const tg_func *f, tg_arena *arena);

/* A smaller text with the same failing stage; malloc. `fails` decides. */
char *diff_reduce(const char *text, bool (*fails)(const char *text, void *user), void *user);

#endif
