/* Tunes a layer for one batch size, lets launches use the result for another, and compares what comes out before and after. */
#include "tutorial.h"

#include <string.h>

enum { M = 96, N = 256, K = 192, OTHER_M = 61 };

/* Called while the tuner works; non-zero would stop it. */
static int show(void *user, const tg_tune_progress *p)
{
    (void)user;
    if (p->candidate && p->candidate->state == TG_CANDIDATE_OK && p->candidate->n_samples)
        printf("  %5.1f s  %8.4f ms (model %8.4f)  %s\n", p->seconds, p->candidate->median_ms, p->candidate->model_ms,
               p->candidate->schedule);
    return 0;
}

static double difference(const tg_tensor *a, const tg_tensor *b)
{
    double worst = 0;
    for (int64_t i = 0; i < tg_tensor_n_elements(a); i++)
        worst = fmax(worst, fabs((double)floats(a)[i] - (double)floats(b)[i]));
    return worst;
}

static tg_tensor *output(tg_context *context, int64_t rows)
{
    tg_tensor *y = tg_tensor_create(context, TG_F32, 2, (int64_t[]){rows, N});
    NEED(context, y);
    return y;
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/layer.dsl");
    tg_kernel *layer = tg_module_kernel(t.module, "layer");
    NEED(t.context, layer);
    tg_tensor *x = tutorial_random(t.context, 2, (int64_t[]){M, K}, 1);
    tg_tensor *w = tutorial_random(t.context, 2, (int64_t[]){K, N}, 2);
    tg_tensor *bias = tutorial_random(t.context, 1, (int64_t[]){N}, 3);
    tg_tensor *rows = tg_tensor_slice(x, 0, 0, OTHER_M);
    NEED(t.context, rows);
    tg_tensor *plain = output(t.context, M), *tuned = output(t.context, M);
    tg_tensor *plain_other = output(t.context, OTHER_M), *tuned_other = output(t.context, OTHER_M);
    CHECK(t.context, tg_launch(layer, TG_ARGS(x, w, bias, plain)));
    CHECK(t.context, tg_launch(layer, TG_ARGS(rows, w, bias, plain_other)));

    /* A database in memory; a real program leaves `database` null and keeps what it finds. */
    tg_tuner_options where = TG_TUNER_OPTIONS_INIT;
    where.database = "";
    tg_tuner *tuner;
    CHECK(t.context, tg_tuner_create(t.context, &where, &tuner));
    tg_tune_options how = TG_TUNE_OPTIONS_INIT;
    how.budget_s = 3;
    how.progress = show;
    tg_tune_result found = {.struct_size = sizeof found};
    CHECK(t.context, tg_tune(tuner, layer, TG_ARGS(x, w, bias, tuned), &how, &found));
    printf("best of %u: %.4f ms (the compiler's choice: %.4f ms)  %s\n", found.n_tried, found.best_ms, found.default_ms,
           found.schedule);
    int result = found.n_wrong != 0 || floats(tuned)[0] != 0; /* the tuner has written to copies */

    /* From here on launches use it; the other batch size too, because the bucket of M is `any`. */
    char schedule[512];
    tg_tuned_from from;
    CHECK(t.context, tg_tuner_attach(tuner));
    CHECK(t.context, tg_tuner_lookup(tuner, layer, TG_ARGS(rows, w, bias, tuned_other), schedule, sizeof schedule, &from));
    result |= from != TG_TUNED_NEAREST || strcmp(schedule, found.schedule) != 0;
    CHECK(t.context, tg_launch(layer, TG_ARGS(x, w, bias, tuned)));
    CHECK(t.context, tg_launch(layer, TG_ARGS(rows, w, bias, tuned_other)));
    /* two sums of K products of numbers below 1, each rounded K times by at most 2^-24 of a partial sum below K */
    double bound = 2.0 * K * K * 0x1p-24;
    result |= tutorial_report("tuned, same batch", difference(plain, tuned), bound);
    result |= tutorial_report("tuned, other batch", difference(plain_other, tuned_other), bound);

    tg_tuner_destroy(tuner);
    tg_tensor *all[] = {x, w, bias, rows, plain, tuned, plain_other, tuned_other};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tg_tensor_release(all[i]);
    tutorial_close(&t);
    return result;
}
