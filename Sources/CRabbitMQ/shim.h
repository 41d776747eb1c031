#include <stdlib.h>
/* librabbitmq 0.12 moved its headers into a folder of their own and warns about the old names. */
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif
