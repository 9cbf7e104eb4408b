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
typedef enum carried_kind { CARRIED_OTHER, CARRIED_SUM, CARRIED_PRODUCT } carried_kind;
typedef struct carried_value {
    carried_kind kind;
    double *mass, *height, steps; /* of products: depth and height, see depth_of; else height is null */
} carried_value;
carried_value *carried_values(interp *c, const tg_op *loop, tile *const *carried,
                              uint32_t n); /* null in EXACT */
void carried_value_step(carried_value *s, const tile *before, const tile *now);
void carried_values_end(interp *c, const tg_op *loop, carried_value *s, tile **carried,
                        uint32_t n);

/* threads.c */
bool can_run_threads(const tg_op *phase); /* no atomics, prints or views of raw memory */
void run_threads(interp *c, const tg_op *phase);

#endif
