/* Time that passes. */
#ifndef TG_BASE_CLOCK_H
#define TG_BASE_CLOCK_H

/* Milliseconds since some moment; never goes back. Any thread. */
double tg_now_ms(void);

#endif
