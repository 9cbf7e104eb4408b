/* Kernels under a schedule from outside: handles with variants of their own, on a list of their module. */
#include "jit/context.h"

#include <string.h>

tg_status tg_kernel_with_schedule(tg_kernel *kernel, const tg_schedule_options *options,
                                  tg_kernel **out) {
    if (out) {
        *out = NULL;
    }
    tg_schedule_options o;
    if (!kernel || !out || !options || !tg_options_read(options, &o, sizeof o)) {
        return tg_fail(kernel ? kernel->context : NULL, TG_ERROR_INVALID_ARGUMENT,
                       !kernel    ? "kernel is null"
                       : !options ? "options is null"
                       : !out     ? "out is null"
                                  : "options have a wrong struct_size or unknown fields");
    }
    tg_status ended = tg_kernel_check(kernel);
    if (ended) {
        return ended;
    }
    const tg_allocator *a = &kernel->context->allocator;
    tg_kernel *k = tg_alloc(a, sizeof *k, _Alignof(tg_kernel));
    char *text = tg_copy_text(a, o.schedule ? o.schedule : "");
    if (!k || !text) {
        tg_free_text(a, text);
        tg_free(a, k, sizeof *k);
        return tg_fail(kernel->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    tg_module *m = kernel->module;
    tg_kernel_init(k, m, kernel->item);
    k->schedule = text;
    k->only_given = o.alone != 0;
    pthread_mutex_lock(&m->lock);
    k->derived = m->derived;
    m->derived = k;
    pthread_mutex_unlock(&m->lock);
    *out = k;
    return TG_OK;
}

static tg_kernel *find_kept(const tg_kernel *of, const char *schedule) {
    tg_module *m = of->module;
    pthread_mutex_lock(&m->lock);
    tg_kernel *k = m->derived;
    while (k && !(k->kept && k->item == of->item && strcmp(k->schedule, schedule) == 0)) {
        k = k->derived;
    }
    pthread_mutex_unlock(&m->lock);
    return k;
}

tg_kernel *tg_kernel_kept_with_schedule(tg_kernel *kernel, const char *schedule) {
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    o.schedule = schedule;
    tg_kernel *k = find_kept(kernel, schedule);
    if (!k && tg_kernel_with_schedule(kernel, &o, &k) == TG_OK) {
        pthread_mutex_lock(&kernel->module->lock);
        k->kept = true; /* two threads at once may make two; both end with the module */
        pthread_mutex_unlock(&kernel->module->lock);
    }
    return k;
}

void tg_kernel_release(tg_kernel *kernel) {
    if (!kernel || !kernel->schedule) {
        return;
    }
    tg_module *m = kernel->module;
    pthread_mutex_lock(&m->lock);
    tg_kernel **link = &m->derived;
    while (*link && *link != kernel) {
        link = &(*link)->derived;
    }
    if (*link) {
        *link = kernel->derived;
    }
    pthread_mutex_unlock(&m->lock);
    (void)tg_kernel_wait(kernel);
    tg_kernel_fini(kernel);
    tg_free(&m->context->allocator, kernel, sizeof *kernel);
}
