/* The HTML report of `tegula tune`: one self-contained file, no script, no external resources. */
#ifndef TG_CLI_TUNE_REPORT_H
#define TG_CLI_TUNE_REPORT_H

#include "cli/cli.h"
#include "tegula/autotune.h"

typedef struct cli_tuned {
    char shape[160]; /* "M=256 N=512" */
    tg_dtype dtype;  /* of the first tensor */
    tg_tune_result result;
    struct cli_candidate { /* fastest first */
        char schedule[256], reason[160];
        tg_candidate c; /* texts null: they are above */
    } * candidates;
    uint32_t n_candidates;
} cli_tuned;

/* Measures the roofs of the machine first, which takes some tenths of a second. False if the file cannot be written. */
bool cli_tune_report(const char *path, const tg_kernel *kernel, const cli_tuned *shapes,
                     uint32_t n);

#endif
