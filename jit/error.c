/* The last error, per context and thread: a list of slots found by the thread's identity (the
 * address of a thread-local variable). A slot stays until the context ends; a later thread with
 * the same address reuses it. */
#include "base/io.h"
#include "jit/context.h"

#include <string.h>

enum { INLINE_TEXT = 512 };

struct tg_error_slot {
    const void *thread;
    tg_error_slot *next;
    char text[INLINE_TEXT]; /* used where `long_text` is null */
    char *long_text, *json;
};

/* Errors of tg_context_create have no context to live in. */
static _Thread_local char no_context_text[INLINE_TEXT];
static _Thread_local char identity;

static tg_error_slot *find_slot(const tg_context *c) {
    tg_error_slot *s = c->errors;
    while (s && s->thread != &identity) {
        s = s->next;
    }
    return s;
}

/* The list is the only part of a context that changes behind a const pointer: reading an object
 * may fail too. */
static tg_context *writable(const tg_context *c) {
    return (tg_context *)(uintptr_t)c;
}

static tg_error_slot *take_slot(tg_context *c) {
    pthread_mutex_lock(&c->error_lock);
    tg_error_slot *s = find_slot(c);
    if (!s) {
        s = tg_alloc(&c->allocator, sizeof *s, _Alignof(tg_error_slot));
        if (s) {
            s->thread = &identity;
            s->next = c->errors;
            c->errors = s;
        }
    }
    pthread_mutex_unlock(&c->error_lock);
    return s;
}

static void empty_slot(const tg_context *c, tg_error_slot *s) {
    tg_free_text(&c->allocator, s->long_text);
    tg_free_text(&c->allocator, s->json);
    s->long_text = s->json = NULL;
    s->text[0] = '\0';
}

tg_status tg_fail(const tg_context *context, tg_status status, const char *fmt, ...) {
    tg_error_slot *s = context ? take_slot(writable(context)) : NULL;
    if (s) {
        empty_slot(context, s);
    }
    if (s || !context) {
        va_list args;
        va_start(args, fmt);
        (void)tg_vformat(s ? s->text : no_context_text, INLINE_TEXT, fmt, args);
        va_end(args);
    }
    return status;
}

tg_status tg_fail_compile(const tg_context *context, tg_status status, const char *text,
                          const char *json) {
    tg_error_slot *s = take_slot(writable(context));
    if (s) {
        empty_slot(context, s);
        (void)tg_format(s->text, sizeof s->text, "%s", text ? text : "");
        s->long_text = tg_copy_text(&context->allocator, text);
        s->json = tg_copy_text(&context->allocator, json);
    }
    return status;
}

const char *tg_last_error(const tg_context *context) {
    if (!context) {
        return no_context_text;
    }
    tg_context *c = writable(context);
    pthread_mutex_lock(&c->error_lock);
    const tg_error_slot *s = find_slot(c);
    pthread_mutex_unlock(&c->error_lock);
    if (!s) {
        return "";
    }
    return s->long_text ? s->long_text : s->text;
}

const char *tg_last_diagnostics(const tg_context *context) {
    if (!context) {
        return "[]";
    }
    tg_context *c = writable(context);
    pthread_mutex_lock(&c->error_lock);
    const tg_error_slot *s = find_slot(c);
    pthread_mutex_unlock(&c->error_lock);
    return s && s->json ? s->json : "[]";
}

void tg_errors_free(tg_context *context) {
    while (context->errors) {
        tg_error_slot *s = context->errors;
        context->errors = s->next;
        empty_slot(context, s);
        tg_free(&context->allocator, s, sizeof *s);
    }
}

char *tg_copy_text(const tg_allocator *a, const char *text) {
    size_t n = text ? strlen(text) + 1 : 0;
    char *copy = text ? tg_alloc(a, n, 1) : NULL;
    if (copy) {
        memcpy(copy, text, n);
    }
    return copy;
}

void tg_free_text(const tg_allocator *a, char *text) {
    tg_free(a, text, text ? strlen(text) + 1 : 0);
}
