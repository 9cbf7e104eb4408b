/* Tuning: finding the schedule that makes a kernel fastest on this machine, and remembering it.
 *
 *   tg_tuner *tuner;
 *   tg_tuner_create(ctx, NULL, &tuner);                      // opens the database
 *   tg_tune(tuner, gemm, TG_ARGS(a, b, c, 1.0f), NULL, NULL);  // seconds; a, b, c stay as they are
 *   tg_tuner_attach(tuner);                                  // from now on launches use what was found
 *   tg_launch(gemm, TG_ARGS(a, b, c, 1.0f));
 *
 * Results are kept in a database (docs/autotune.md), so that the tuning program and the one that launches may be different ones.
 * A schedule never changes what a kernel means: each candidate's results are compared with those of the default schedule and of the
 * reference interpreter before its time counts. */
#ifndef TEGULA_AUTOTUNE_H
#define TEGULA_AUTOTUNE_H

#include "tegula/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tuning database and what is known from it. Any thread; one tg_tune at a time (others wait). */
typedef struct tg_tuner tg_tuner;

/** Options of a tuner. Start from TG_TUNER_OPTIONS_INIT; grows at its end only, as tg_context_options does. */
typedef struct tg_tuner_options {
    size_t struct_size;
    /** File of the user's database; made with mode 0600 if it is absent, not used if somebody else could write to it or its
     * directory. Null: TEGULA_TUNING, else tuning.db beside the compiled kernels. "": in memory only. */
    const char *database;
    /** File of rows that ship with a program (tg_tuner_ship, or another database), only read; the user's own rows come first.
     * Null: TEGULA_SHIPPED, else what is installed with the library, which may be nothing. "": none. */
    const char *shipped;
} tg_tuner_options;
#ifdef __cplusplus
#define TG_TUNER_OPTIONS_INIT                                                                  \
    { sizeof(tg_tuner_options), 0, 0 }
#else
#define TG_TUNER_OPTIONS_INIT                                                                  \
    { .struct_size = sizeof(tg_tuner_options) }
#endif

/** Opens the databases.
 *
 * A database that cannot be used (corrupt, foreign, unwritable, full) is no error: the tuner then works from memory, and
 * tg_tuner_warning says what is wrong. The file is left as it is.
 *
 * @param context  must outlive the tuner
 * @param options  null: all defaults
 * @param out      receives the tuner; null on failure. End it with tg_tuner_destroy
 * @return INVALID_ARGUMENT (null, options), OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_tuner_create(tg_context *context, const tg_tuner_options *options,
                                 tg_tuner **out);
/** Ends a tuner, detaching it. No launch or tuning with it may be running. Null is fine. */
TG_API void tg_tuner_destroy(tg_tuner *tuner);
/** What is wrong with a database, "" if nothing. Lives as long as the tuner. */
TG_API const char *tg_tuner_warning(const tg_tuner *tuner);
/** Path of the database in use; null: memory only. Lives as long as the tuner. */
TG_API const char *tg_tuner_database(const tg_tuner *tuner);

/** Lets the launches of the tuner's context use what the database knows.
 *
 * A launch looks up, by kernel, types, constants and extents: rows of the very shape, else those of the nearest shape (each extent
 * within a factor of four), else blocks that the analytic model promises much of, else the kernel runs under the compiler's own choice. The first launch of a combination pays for the
 * look-up: the compiler's front end (about a millisecond) and a query. It measures nothing and waits for nobody: if another look-up or
 * a write to the database is in the way, the kernel runs under the compiler's own choice and the next launch looks again. The answer
 * is kept, for the first 256 combinations of a kernel, so that later launches pay a comparison per combination, and while the code of
 * a schedule is being compiled the kernel's own code runs. Kernels of tg_kernel_with_schedule are left alone.
 *
 * @return INVALID_ARGUMENT if null or another tuner is attached. */
TG_API tg_status tg_tuner_attach(tg_tuner *tuner);
/** Launches use the compiler's own choice again. No launch may be running. Null is fine. */
TG_API void tg_tuner_detach(tg_tuner *tuner);

/** Where a schedule came from. */
typedef enum tg_tuned_from {
    TG_TUNED_DEFAULT = 0, /**< nothing is known: the compiler's choice */
    TG_TUNED_NEAREST = 1, /**< rows of another shape */
    TG_TUNED_EXACT = 2,   /**< rows of this shape */
    TG_TUNED_MODEL = 3    /**< no rows: blocks of which the analytic model promises much */
} tg_tuned_from;

/** What a launch with these arguments would use, were the tuner attached: receives the schedule's text in `text` (`size` bytes, cut if longer; "" is the
 * compiler's choice), and where it came from. INVALID_ARGUMENT, LAUNCH as for tg_launch; COMPILE. Any thread. */
TG_API tg_status tg_tuner_lookup(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                                 uint32_t n_values, char *text, size_t size,
                                 tg_tuned_from *from);

/** State of a candidate. */
typedef enum tg_candidate_state {
    TG_CANDIDATE_OK = 0,
    TG_CANDIDATE_FAILED = 1, /**< did not compile or launch */
    TG_CANDIDATE_WRONG = 2   /**< its results were not those of the reference */
} tg_candidate_state;

/** One candidate's outcome. Texts live for the call that hands it over. */
typedef struct tg_candidate {
    const char *schedule; /**< settings as in a `schedule` item; "": the compiler's choice */
    const char *reason;   /**< why not OK, else "" */
    tg_candidate_state state;
    int32_t n_samples;
    double median_ms, low_ms, high_ms; /**< low, high: 95 % confidence interval of the median */
    double model_ms; /**< predicted, scaled so that the default's prediction is right */
} tg_candidate;

/** How a tuning run stands; `candidate` is the latest outcome or null. Return non-zero to stop early: what was found is kept.
 * The function must not tune with the same tuner or end it; anything else is fine. */
typedef struct tg_tune_progress {
    const char *phase; /**< "reference", "compile", "measure", "search", "confirm" */
    double fraction; /**< of the budget that is used, 0 … 1; exhaustive: of the candidates */
    double seconds, eta_s; /**< since the start; expected until the end */
    uint32_t n_tried;
    double best_ms, default_ms; /**< 0: not known yet */
    const tg_candidate *candidate;
} tg_tune_progress;
typedef int (*tg_tune_progress_fn)(void *user, const tg_tune_progress *progress);

/** Options of a tuning run. Start from TG_TUNE_OPTIONS_INIT; zero or null is the default; grows at its end only. */
typedef struct tg_tune_options {
    size_t struct_size;
    double budget_s; /**< seconds, at most 1e6; 0: 10 */
    int32_t n_first; /**< candidates that the model proposes; 0: 12; at most 4096 */
    int32_t
        deterministic; /**< non-zero: only schedules whose results are bit for bit those of the default */
    int32_t again; /**< non-zero: also if the shape is finished in the database */
    /** Non-zero: measure all combinations of blocks and of what `tune` clauses name (at most 4096), whatever the budget. Goes on where such
     * a run was stopped, unless `again`. */
    int32_t exhaustive;
    tg_tune_progress_fn progress; /**< null: none. Called on the calling thread */
    void *user;
} tg_tune_options;
#ifdef __cplusplus
#define TG_TUNE_OPTIONS_INIT                                                                   \
    { sizeof(tg_tune_options), 0, 0, 0, 0, 0, 0, 0 }
#else
#define TG_TUNE_OPTIONS_INIT                                                                   \
    { .struct_size = sizeof(tg_tune_options) }
#endif

/** What a run found. */
typedef struct tg_tune_result {
    size_t struct_size; /**< set by the caller: sizeof(tg_tune_result) */
    char schedule[512]; /**< "": the compiler's choice is best */
    double best_ms, default_ms;
    double seconds;   /**< taken */
    uint32_t n_space; /**< candidates in the space, after constraints */
    uint32_t n_tried, n_failed, n_wrong;
    int32_t
        from_database;   /**< non-zero: the shape was finished already, nothing was measured */
    double flops, bytes; /**< of one launch */
} tg_tune_result;

/** Tunes a kernel for these arguments and records what was found.
 *
 * The tensors are only read: candidates write to copies. Arguments are as for tg_launch, and their contents matter as far as the
 * kernel's work depends on them. `print`, `assert` and atomics of the kernel happen many times over.
 *
 * @param options  null: all defaults
 * @param result   may be null
 * @return as for tg_launch (for the kernel itself under the compiler's choice); INVALID_ARGUMENT also for kernels of
 *         tg_kernel_with_schedule; UNSUPPORTED for kernels with `ptr` parameters. Candidates
 *         that fail are no error, nor is a database that does (tg_tuner_warning). Any thread. */
TG_API tg_status tg_tune(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                         uint32_t n_values, const tg_tune_options *options,
                         tg_tune_result *result);

/** Visits what is known of this kernel with these arguments, fastest first. Non-zero from `fn` ends it.
 *
 * Candidates that differed from the default schedule only are not among them: see docs/autotune.md. No lock is held while `fn`
 * runs; it may use the tuner. */
TG_API tg_status tg_tuner_candidates(tg_tuner *tuner, tg_kernel *kernel,
                                     const tg_argument *values, uint32_t n_values,
                                     int (*fn)(void *user, const tg_candidate *candidate),
                                     void *user);

/** Writes all rows of the user's database to a JSON file. IO, OUT_OF_MEMORY. */
TG_API tg_status tg_tuner_export(tg_tuner *tuner, const char *path);
/** Writes the rows that are worth shipping to a JSON file for tg_tuner_options.shipped: of the user's database the newest
 * winner of each shape, if it is faster than the compiler's own choice by at least `least_gain` (0.03 is 3 %; 0 … 100). The file is read by this
 * version of the library only; its rows serve machines with this instruction set and these caches, the same number of threads, and the very
 * same shapes. INVALID_ARGUMENT, IO, OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_tuner_ship(tg_tuner *tuner, const char *path, double least_gain);
/** Takes the rows of such a file, or of another database file; the newer of two rows stays. All or nothing.
 * @param n_rows  receives how many were taken, which leaves out those that were known already; may be null
 * @return NOT_FOUND, IO, INVALID_ARGUMENT (neither of the two). */
TG_API tg_status tg_tuner_import(tg_tuner *tuner, const char *path, int64_t *n_rows);

#ifdef __cplusplus
}
#endif
#endif
