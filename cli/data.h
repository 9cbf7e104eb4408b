/* Generated arguments for a kernel, and comparing its results with the interpreter: `tegula
 * run`. */
#ifndef TG_CLI_DATA_H
#define TG_CLI_DATA_H

#include "cli/cli.h"
#include "dsl/interp/interp.h"

typedef struct cli_data {
    tg_kernel *kernel;
    tg_selection selection;
    tg_launch_binding binding;         /* dimensions as set */
    tg_argument values[TG_MAX_PARAMS]; /* for tg_launch */
    tg_tensor *tensors[TG_MAX_PARAMS]; /* null: scalar or absent */
    tg_tensor *originals
        [TG_MAX_PARAMS]; /* copies of tensors that are written, from before the first launch */
    tg_scalar scalars[TG_MAX_PARAMS];
    double bytes; /* read plus written by one launch */
} cli_data;

/* Dimensions: --set, else what `where` equations give, else cli_default_extent. Scalars: --set,
 * else the default, else 1. Tensors: seeded values that respect --fill and the kernel's content facts.
 * The exit code, after a message unless it is CLI_OK. */
int cli_data_make(tg_kernel *k, const cli_selection *s, uint64_t seed, cli_data *out);
void cli_data_free(cli_data *d);
/* Of the first tensor; f32 if there is none. */
tg_dtype cli_data_dtype(const cli_data *d);

typedef struct cli_check {
    bool ok;
    int64_t n, n_failed, n_unverifiable;
    double max_error,
        error_bound; /* over all float outputs; bound: of the element with the largest error ratio */
    double max_ratio;
    char message[512]; /* of the first failure, or why there was no check */
} cli_check;

/* Runs the interpreter on the same data (it must have been launched exactly once) and compares
 * all outputs. */
bool cli_data_check(const cli_data *d, const tg_func *f, int n_threads, cli_check *out);

#endif
