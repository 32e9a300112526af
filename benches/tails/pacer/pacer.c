/* Paces a Python loop and times its body: `for _ in Pacer(...): logger.info(...)`.
 *
 * The loop is open: a pass is due at its time whether or not the one before has ended, so that a stall is not omitted from what
 * the passes behind it are seen to take. Asking for the next pass ends the one before, waits until the next is due and begins it;
 * between two passes, while there is time, the kernel's counts for the thread are read, and what they rose by tells why a pass took
 * long. Everything is stored into memory that was touched before. Where in its interval a pass is due differs from one to the next,
 * evenly: else the system's own clock, whose ticks come at multiples of the interval, would hit all calls or none. */
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE
#include <Python.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* The passes that lost most are kept, so many of them. */
#define WORST 32
/* Reading the counts takes less than this, ns: it is left out where it would make the next pass late. */
#define READING 5000
/* The golden ratio's part behind the point, of 2^64: its multiples are spread evenly. */
#define GOLDEN 0x9E3779B97F4A7C15u

typedef struct {
    long minor, major, blocked, preempted;
} Counts;

typedef struct {
    int64_t lost; /* by this pass alone: from when it was due, or the one before it ended, until its own end */
    int64_t service, at;
    Py_ssize_t index, behind; /* passes that were due before this one ended */
    Counts counts;            /* by how much they rose since they were last read */
} Pass;

typedef struct {
    PyObject_HEAD
    Py_buffer services, responses;
    Py_ssize_t count, index;
    int64_t interval, first, due, began, ended;
    Counts counts;
    Pass worst[WORST];
    Pass *last; /* the pass kept that is still being waited for */
} Pacer;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static Counts read_counts(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (Counts){usage.ru_minflt, usage.ru_majflt, usage.ru_nvcsw, usage.ru_nivcsw};
}

static Counts risen(Pacer *self) {
    Counts before = self->counts, counts = self->counts = read_counts();
    return (Counts){counts.minor - before.minor, counts.major - before.major, counts.blocked - before.blocked,
                    counts.preempted - before.preempted};
}

/* The pass under way is over. */
static void end(Pacer *self, int64_t ended) {
    int64_t service = ended - self->began, waited_for = self->ended > self->due ? self->ended : self->due;
    int64_t lost = ended - waited_for;
    ((int64_t *)self->services.buf)[self->index] = service;
    ((int64_t *)self->responses.buf)[self->index] = ended - self->due;
    self->ended = ended;
    if (waited_for == self->due)
        self->last = NULL;
    else if (self->last != NULL)
        self->last->behind++;
    Pass *least = &self->worst[0];
    for (int place = 1; place < WORST; place++)
        if (self->worst[place].lost < least->lost) least = &self->worst[place];
    if (lost > least->lost) {
        *least = (Pass){lost, service, waited_for - self->first, self->index, 0, risen(self)};
        self->last = least;
    }
}

/* How far behind the start of its interval a pass is due. */
static int64_t spread(Pacer *self) {
    uint64_t part = ((uint64_t)self->index * GOLDEN) >> 32;
    return (int64_t)((part * (uint64_t)self->interval) >> 32);
}

static PyObject *next(Pacer *self) {
    if (self->index < 0) {
        self->first = self->ended = now();
        self->counts = read_counts();
    } else {
        end(self, now());
    }
    if (++self->index == self->count) return NULL;
    self->due = self->first + (self->index + 1) * self->interval + spread(self);
    if (self->ended + READING < self->due) {
        /* What rose in a pass that was not kept is no later one's. What rises from here on, in the wait, is the next one's: it may
         * be late for it. */
        self->counts = read_counts();
    }
    do self->began = now();
    while (self->began < self->due);
    Py_RETURN_NONE;
}

static PyObject *worst(Pacer *self, PyObject *nothing) {
    (void)nothing;
    PyObject *list = PyList_New(0);
    for (int place = 0; list != NULL && place < WORST; place++) {
        Pass *pass = &self->worst[place];
        if (pass->lost == 0) continue;
        PyObject *item = Py_BuildValue("(LLLnnllll)", pass->lost, pass->service, pass->at, pass->index, pass->behind,
                                       pass->counts.minor, pass->counts.major, pass->counts.blocked, pass->counts.preempted);
        if (item == NULL || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"interval", "services", "responses", NULL};
    Pacer *self = (Pacer *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "Lw*w*", names, &self->interval, &self->services, &self->responses)) {
        Py_DECREF(self);
        return NULL;
    }
    self->count = self->services.len / (Py_ssize_t)sizeof(int64_t);
    self->index = -1;
    if (self->responses.len != self->services.len) {
        PyErr_SetString(PyExc_ValueError, "services and responses must have one length");
        Py_DECREF(self);
        return NULL;
    }
    memset(self->services.buf, 0, (size_t)self->services.len);
    memset(self->responses.buf, 0, (size_t)self->responses.len);
    return (PyObject *)self;
}

static void dealloc(Pacer *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (self->services.obj != NULL) PyBuffer_Release(&self->services);
    if (self->responses.obj != NULL) PyBuffer_Release(&self->responses);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"worst", (PyCFunction)worst, METH_NOARGS,
     "The passes that lost most: (lost ns, service ns, at ns, index, passes behind, minor faults, major faults, times blocked, "
     "times preempted)."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Pacer(interval, services, responses): as many passes as the arrays of int64 hold, one each `interval` ns."},
    {Py_tp_new, new},
    {Py_tp_dealloc, dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, next},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"pacer.Pacer", sizeof(Pacer), 0, Py_TPFLAGS_DEFAULT, slots};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "pacer", NULL, -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_pacer(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL || PyModule_AddObject(module, "Pacer", type) < 0) return NULL;
    return module;
}
