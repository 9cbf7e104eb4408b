/* State shared by the parts of the program generator. */
#ifndef TG_TESTS_DIFF_GENERATE_H
#define TG_TESTS_DIFF_GENERATE_H

#include "tests/diff/case.h"

enum { MAX_SCOPE = 512, MAX_BINDERS = 16, MAX_TILE = 8192 };

/* A grid binder, loop or full axis around the place where code is made. */
typedef struct binder {
    tg_axis *axis;   /* null: single indices */
    tg_value *index; /* iota, or the index */
    int64_t size;    /* most valid indices at a time */
    int64_t extent;  /* of the whole domain */
    bool local;
} binder;

typedef struct generator {
    uint64_t rng;
    tg_arena *arena;
    tg_func *f;
    tg_builder b;
    tg_strbuf head; /* lines about arguments */
    tg_value *scope[MAX_SCOPE];
    uint32_t n_scope;
    binder binders[MAX_BINDERS];
    uint32_t n_binders;
    tg_value *tensors[24];
    tg_op *phase; /* being made */
    uint32_t n_tensors, n_readable;
    int64_t dims[24][8]; /* the last one: 0: may be read, else written in this phase or never read */
    uint32_t n_names;
    int64_t work;                       /* iterations around this place */
    uint32_t depth, grid_depth, budget; /* grid_depth: of an instance's body */
    bool dependent;                     /* on block sizes */
    bool special, zeros; /* values, and a reduction after exp, log or a quotient */
} generator;

uint32_t gen_below(generator *g, uint32_t n);
bool gen_chance(generator *g, uint32_t percent);
tg_dtype gen_dtype(generator *g);
int64_t gen_extent(generator *g);
void gen_push(generator *g, tg_value *v);
int64_t gen_tile_size(const generator *g, const tg_type *t);
bool gen_fits(const generator *g, const tg_type *a, const tg_type *b);
/* A value of that dtype from the scope, or a new one. */
tg_value *gen_value(generator *g, tg_dtype t);
/* One that spans at least an axis, or null. */
tg_value *gen_tile(generator *g, tg_dtype t);
tg_value *gen_any_tile(generator *g);
tg_value *gen_constant(generator *g, tg_dtype t);
tg_value *gen_extent_value(generator *g, int64_t extent);
tg_value *gen_param_tensor(generator *g, tg_fparam_kind kind, tg_dtype t, uint32_t rank,
                           const int64_t *shape, diff_fill fill);
tg_value *gen_load(generator *g, tg_dtype t);
/* Layout of an argument, or of what a pointer leads to. */
diff_tensor gen_layout(generator *g, uint32_t rank, const int64_t *shape, diff_fill fill, bool input, bool packed);
/* A shape of some of the extents around, and a fill, for what is read. */
uint32_t gen_shape(generator *g, int64_t *shape);
diff_fill gen_fill(generator *g, tg_dtype stored);
/* Indices into a tensor of that shape whose union is no tile too large. */
void gen_indices(generator *g, tg_value *tensor, const int64_t *shape, tg_value **index);
tg_axis *gen_axis(generator *g, tg_axis_kind kind, int64_t extent, int64_t block,
                  bool constant);
tg_axis *gen_local(generator *g);
tg_name gen_fresh(generator *g, const char *prefix);
/* One from the scope or null; TG_DTYPE_NONE: of any type. */
tg_value *gen_pick(generator *g, tg_dtype t, bool tile);
/* Three operands of a domain, mostly the whole of [0, extent); is it that, and known? */
bool gen_domain(generator *g, int64_t extent, tg_value **v);
binder *gen_push_binder(generator *g, tg_axis *a, tg_value *index, int64_t size, int64_t extent,
                        bool local);
/* A load from a new tensor over these axes. */
tg_value *gen_operand_over(generator *g, tg_dtype t, tg_axis *const *axes, uint32_t n);

/* Code goes into a region until `leave`. */
typedef struct gen_mark {
    uint32_t n_scope, n_binders;
    tg_builder b;
    int64_t work;
} gen_mark;
gen_mark gen_enter(generator *g, tg_op *op, uint32_t region);
void gen_leave(generator *g, gen_mark m);
void gen_body(generator *g, uint32_t n); /* n random steps */
void gen_for(generator *g);
void gen_if(generator *g);
void gen_while(generator *g);
void gen_accumulation(generator *g);

void gen_elementwise(generator *g);
void gen_structure(generator *g); /* reduce dot scan sort … */
void gen_region(generator *g);    /* map, folds with functions */

/* The launch level: phases in order, in steps and under conditions; facts about shapes; views of pointers. */
void gen_phase(generator *g);
void gen_launch(generator *g);
void gen_facts(generator *g);
tg_value *gen_view_load(generator *g, tg_dtype t); /* null: there are enough arguments */

/* Writes a value where nothing else is written: a store, or an atomic whose result is one more value. */
void gen_store(generator *g, tg_value *v);
void gen_atomic(generator *g); /* at computed places, that several may share */

#endif
