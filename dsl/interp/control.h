/* Grid instances: what control.c gives to threads.c and lift.c. */
#ifndef TG_INTERP_CONTROL_H
#define TG_INTERP_CONTROL_H

#include "dsl/interp/internal.h"

typedef struct par_domain {
    axis_state a;
    const tg_axis *axis; /* null: each */
    int64_t block;       /* or step */
    int64_t count;
} par_domain;

typedef struct instance_list {
    int64_t *
        data; /* n rows of `levels` coordinates: ordinals of blocks or steps, outermost first */
    int64_t n, cap;
    int levels;
    int64_t now[MAX_AXES];
} instance_list;

void instances_add(interp *c, instance_list *l, int n);
void instances_collect(interp *c, const tg_op *phase, instance_list *l);
void instances_run(interp *c, const tg_op *phase, const instance_list *l, int64_t begin,
                   int64_t end);
/* The same values, none of them certain (IDEAL). Takes and gives a reference. */
tile *mark_open(interp *c, tile *t);

/* accumulate.c */
typedef struct carried_sum {
    double *mass, steps;
} carried_sum; /* mass null: not a sum */
carried_sum *carried_sums(interp *c, const tg_op *loop, tile *const *carried,
                          uint32_t n); /* null in EXACT */
void carried_sum_step(carried_sum *s, const tile *before, const tile *now);
void carried_sums_end(interp *c, const tg_op *loop, carried_sum *s, tile **carried, uint32_t n);

/* threads.c */
bool can_run_threads(const tg_op *phase); /* no atomics, prints or views of raw memory */
void run_threads(interp *c, const tg_op *phase);

#endif
