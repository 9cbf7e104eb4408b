/* Inside the tuner.
 *
 *   identity.c  arguments → key of the database: kernel hash, device, specialisation, shape, bucket
 *   space.c     tile IR and `tune` clauses → parameters and their values
 *   directives.c what else the target would obey
 *   require.c   constraints that need no compile
 *   model.c     candidate → predicted time
 *   measure.c   scratch tensors, the reference, launches, statistics
 *   propose.c   what to try next
 *   search.c    tg_tune: compiles, measures, refines, records
 *   lookup.c    launches: which schedule to use;  unseen.c  of shapes near which nothing was measured
 *   tuner.c     life, databases;  shipped.c  the rows that ship
 *
 * Everything of one run lives in an arena that the run ends with; kernels and tensors hang on the session. */
#ifndef TG_AUTOTUNE_TUNER_H
#define TG_AUTOTUNE_TUNER_H

#include "base/clock.h"
#include "base/io.h"
#include "jit/context.h"
#include "tegula/autotune.h"

#include "autotune/db.h"

struct tg_tuner {
    tg_chooser chooser; /* first: the launch hook gets its address */
    tg_context *context;
    tg_db *db, *shipped; /* shipped may be null */
    bool narrow;         /* what ships is a text of tg_tuner_ship */
    char *path;          /* null: memory */
    char warning[600];
    char device[160];
    pid_t process; /* whose connections to the databases these are: SQLite has no use for one that came by a fork */
    pthread_mutex_t lock;        /* one tuning run at a time */
    pthread_mutex_t lookup_lock; /* one lookup of a launch at a time; others try again */
    /* Called after each launch of a candidate with its outputs: for tests, which plant wrong results. Null otherwise. */
    void (*after_launch)(void *user, const char *schedule, tg_tensor *const *outputs,
                         uint32_t n);
    void *after_user;
};

/* Path of the user's database: as given, else the environment's, else beside the compiled kernels; "": memory only. */
void tg_tuner_path(const tg_context *c, const char *given, char *out, size_t size);

/* The file of rows that ship: as given, else the environment's, else the installed one; "": none. */
void tg_tuner_shipped_path(const char *given, char *out, size_t size);
/* Opens it for the tuner, a database or a text of tg_tuner_ship: NOT_FOUND, IO, INVALID_ARGUMENT (what it is not), OUT_OF_MEMORY; `message` says what. */
tg_status tg_tuner_open_shipped(tg_tuner *t, const char *path, char *message, size_t size);

/* The launch hook. */
tg_kernel *tg_tuner_choose(tg_chooser *chooser, tg_kernel *k, const tg_launch_arg *args,
                           const tg_launch_binding *b);
/* Answers of the chooser so far no longer count. */
void tg_tuner_renew(tg_tuner *t);

/* ---- identity ---------------------------------------------------------------------------------- */

/* One problem: a kernel and the arguments of a launch. */
typedef struct tg_problem {
    tg_kernel *kernel;
    tg_arena *arena;
    const tg_argument *values;
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_selection selection;
    tg_func *func; /* tile IR under the source's own schedule */
    tg_db_key key;
    const char *bucket;
    double flops, bytes;
    double *sizes; /* by axis rank */
} tg_problem;

/* Binds, instantiates and names. Errors are recorded for the thread as for a launch; the arena's unwind point is the caller's. */
tg_status tg_problem_make(tg_tuner *t, tg_kernel *k, const tg_argument *values, uint32_t n,
                          tg_arena *arena, tg_problem *p);
tg_status tg_problem_make_bound(tg_tuner *t, tg_kernel *k, const tg_launch_arg *args,
                                const tg_launch_binding *b, tg_arena *arena, tg_problem *p);
/* The kernel's stages under a schedule (null: the source's own): up to tile IR, or through the target if `emit` has tg_emit bits. */
tg_status tg_problem_compile(const tg_problem *p, const char *schedule, unsigned emit,
                             tg_artifact *out, const char **message);
/* What the user's database knows of it, in its arena, fastest first. OUT_OF_MEMORY, IO. */
typedef TG_VEC(tg_candidate) tg_candidates;
tg_status tg_problem_candidates(tg_tuner *t, const tg_problem *p, tg_candidates *out);
void tg_device_text(const tg_context *c, char *out, size_t size);
/* log2 distance of two shapes "M=8 N=9" with the same names; negative: other names, or an extent more than a factor of four away
 * whose bucket is not "any". */
double tg_shape_distance(const char *a, const char *b, const char *bucket);

/* ---- space -------------------------------------------------------------------------------------- */

enum { TG_SPACE_PARAMS = 24, TG_SPACE_VALUES = 16, TG_SPACE_LIMIT = 4096 };

typedef enum tg_param_role {
    TG_ROLE_BLOCK,    /* of an axis */
    TG_ROLE_CLAUSE,   /* another that a `tune` clause names */
    TG_ROLE_DIRECTIVE /* that the target, or a split, would obey */
} tg_param_role;

typedef struct tg_space_param {
    const char *key; /* as written: "m", "reg(m)", "pack(B)"; of a DIRECTIVE all its targets: "reg(n), reg(m)" */
    tg_param_role role;
    const tg_axis *axis; /* of a BLOCK */
    const tg_directive *directive; /* of the target's; or null */
    uint32_t n;
    int64_t number[TG_SPACE_VALUES]; /* 0: left to the compiler */
    const char *text[TG_SPACE_VALUES]; /* the value; of a DIRECTIVE its settings, "reg(n) = 16; reg(m) = 4" */
} tg_space_param;

/* The blocks and what clauses name come first: all their combinations are ranked, and are what an exhaustive run measures. Directives
 * follow: the model knows little of them, so they are varied from points found good, one at a time. */
typedef struct tg_space {
    const tg_problem *problem;
    tg_space_param params[TG_SPACE_PARAMS];
    uint32_t n_params, n_ranked; /* the first n_ranked are no directives */
    double *own_block; /* by axis rank: what the compiler is taken to choose for an axis of a grid */
    uint32_t apart[TG_SPACE_PARAMS]; /* by parameter, the others as bits: together one of the two would be without effect (E0703) */
    TG_VEC(const tg_item *) clauses; /* `tune` items of the kernel */
    bool reduction_fixed;            /* nothing that changes the order of a sum */
} tg_space;

/* One point: a value per parameter, by index. */
typedef struct tg_point {
    uint8_t at[TG_SPACE_PARAMS];
} tg_point;

void tg_space_make(const tg_problem *p, bool deterministic, tg_space *out);
/* Costs a run of the compiler without code generation, one for each pair of axes for lanes, and one of its front end per value. */
void tg_space_add_directives(tg_space *s, int32_t n_threads);
/* A new parameter, left to the compiler; that of the key if there is one; null if the space is full. */
tg_space_param *tg_space_add(tg_space *s, const char *key, tg_param_role role, const tg_axis *axis);
bool tg_space_has(const tg_space *s, const char *key);
/* Constraints that need no compile: cache footprint, `require`. */
bool tg_space_legal(const tg_space *s, const tg_point *x);
/* "m = 96; n = 512"; "" where all is left to the compiler. */
const char *tg_space_text(const tg_space *s, const tg_point *x, tg_arena *arena);
/* Block size of the axis, 0: left to the compiler. */
int64_t tg_space_number(const tg_space *s, const tg_point *x, const tg_axis *axis);
const char *tg_bucket_text(const tg_problem *p);

/* ---- model ---------------------------------------------------------------------------------------- */

void tg_model_open(tg_space *s); /* part of tg_space_make */
/* Predicted nanoseconds of one launch, comparable between points of one problem. */
double tg_model_ns(const tg_space *s, const tg_point *x, int32_t n_threads);
/* Instances of the grids of the default schedule. */
double tg_model_instances(const tg_space *s, int32_t n_threads);

/* The settings that the model promises much of; false: none, the compiler's own choice is better trusted. */
bool tg_unseen_schedule(const tg_problem *p, bool deterministic, int32_t n_threads, char *text,
                        size_t size);

/* ---- measuring ------------------------------------------------------------------------------------- */

enum { TG_MOST_SAMPLES = 96 };

typedef struct tg_try {
    tg_point point;
    const char *text;
    double model_ns;
    tg_kernel *kernel; /* under the schedule; launches leave it alone, whatever is attached */
    tg_candidate_state state;
    tg_status status; /* of the launch that failed */
    char reason[256];
    bool known;    /* state and reason come from the database */
    bool disproved; /* WRONG against the interpreter's bounds, not only against the default's results */
    uint32_t n_samples;
    double samples[TG_MOST_SAMPLES]; /* ns */
    double median, low, high, least;
    double score; /* ns by which tries are compared: the mean of the lowest third; 0: not measured */
} tg_try;

/* A combination of blocks and clause parameters with its predicted time. */
typedef struct tg_ranked {
    tg_point point;
    double ns;
    bool taken; /* proposed */
} tg_ranked;

/* Tensors of one set of extents: inputs as given, outputs copied. */
typedef struct tg_bench {
    tg_argument values[TG_MAX_PARAMS];
    tg_tensor *owned[TG_MAX_PARAMS];    /* scratch: what candidates write */
    tg_tensor *original[TG_MAX_PARAMS]; /* contents before a launch; null: inputs */
    tg_tensor *expected[TG_MAX_PARAMS]; /* of the default schedule */
    double *value[TG_MAX_PARAMS], *bound[TG_MAX_PARAMS]; /* of the interpreter, or null */
    bool has_bounds, has_inout;
} tg_bench;

typedef struct tg_session {
    tg_tuner *tuner;
    tg_problem problem;
    tg_space space;
    tg_bench full, small; /* small: reduced extents with bounds of the interpreter */
    bool has_small;
    bool exact; /* deterministic mode: bit for bit */
    uint32_t n_params;
    double start_ms, budget_ms;
    uint32_t repeats; /* launches per sample */
    TG_VEC(tg_try *) tries;
    tg_try *base;      /* the default schedule */
    tg_ranked *ranked; /* the model's ranking */
    uint32_t n_ranked;
    tg_candidates before; /* outcomes of earlier runs under this compiler */
    uint32_t n_space, n_planned; /* candidates in the space; those of an exhaustive run */
    double model_scale;
    const tg_tune_options *options;
    bool stopped, confirming; /* confirming: bounded by its rounds, not by the budget */
} tg_session;

/* Scratch, the default's results, the interpreter's bounds at reduced extents. Errors of the default schedule are the session's. */
tg_status tg_measure_open(tg_session *s);
void tg_measure_close(tg_session *s);
/* The state FAILED; the reason is the last error of the context, without the warnings in front of it. */
void tg_measure_failed(const tg_session *s, tg_try *t);
/* Launches on both sets of tensors and compares; sets state and reason. */
void tg_measure_check(tg_session *s, tg_try *t);
/* One sample each of the tries, in turn. A launch that fails is in the state of its try. */
void tg_measure_round(tg_session *s, tg_try *const *tries, uint32_t n);
void tg_statistics(tg_try *t);

#endif
