/* The plots of the report: rates under the machine's roofs, blocks against time, the model against what was measured. */
#ifndef TG_CLI_TUNE_PLOTS_H
#define TG_CLI_TUNE_PLOTS_H

#include "cli/tune_report.h"

#include <stdio.h>

bool cli_is_measured(const struct cli_candidate *c);
/* As the user would write it. */
const char *cli_schedule_of(const struct cli_candidate *c);

typedef struct cli_roofs {
    tg_dtype dtype; /* of the product's operands */
    double gflops;
    double cache_gbps, memory_gbps; /* what half the second levels of all threads hold; what no cache does */
} cli_roofs;

/* All shapes, before and after. */
void cli_plot_roofline(FILE *f, const cli_tuned *shapes, uint32_t n, const cli_roofs *roof);
/* The two settings with the most values; nothing if only one varies. */
void cli_plot_heat(FILE *f, const cli_tuned *t);
void cli_plot_model(FILE *f, const cli_tuned *t);

#endif
