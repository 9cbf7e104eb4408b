/* A schedule for a shape near which nothing was measured: the analytic model's, where it promises much.
 *
 * The compiler's own choice is a model too, with more knowledge of the code than this one, so a small promise is worth nothing: over the
 * points measured for products and attention the model's favourite promised 0 to 2 % and took 0.94 to 1.7 times as long as the compiler's
 * choice (docs/performance/tuner.md). Only a promise that exceeds the model's error is followed. The model is descended from the
 * compiler's choice, one parameter after the other: some hundred evaluations of a microsecond or two, once per combination that is launched. */
#include "autotune/tuner.h"

static const double
    PROMISE = 1.75,
    WORTH_NS = 200e3; /* shorter launches do not repay the compilation of another variant */
enum { SWEEPS = 3 };

/* The best value of one parameter, the others as they are. */
static bool improve(const tg_space *s, uint32_t param, int32_t n_threads, tg_point *x,
                    double *ns) {
    tg_point best = *x;
    double before = *ns;
    for (uint32_t v = 0; v < s->params[param].n; v++) {
        tg_point y = *x;
        y.at[param] = (uint8_t)v;
        double t =
            v != x->at[param] && tg_space_legal(s, &y) ? tg_model_ns(s, &y, n_threads) : *ns;
        if (t < *ns) {
            *ns = t;
            best = y;
        }
    }
    *x = best;
    return *ns < before;
}

bool tg_unseen_schedule(const tg_problem *p, bool deterministic, int32_t n_threads, char *text,
                        size_t size) {
    if (p->func
            ->block_dependent) { /* sums in another way are checked when tuning; here nobody would look */
        return false;
    }
    tg_space *s = TG_NEW(p->arena, tg_space);
    tg_point x = {{0}};
    tg_space_make(p, deterministic, s);
    double own = tg_model_ns(s, &x, n_threads), best = own;
    bool better = own >= WORTH_NS;
    for (int sweep = 0; sweep < SWEEPS && better; sweep++) {
        better = false;
        for (uint32_t i = 0; i < s->n_ranked; i++) {
            better = improve(s, i, n_threads, &x, &best) || better;
        }
    }
    return best * PROMISE <= own &&
           tg_format(text, size, "%s", tg_space_text(s, &x, p->arena)) < size;
}
