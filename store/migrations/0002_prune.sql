-- What is old enough to be removed is found by its time. Numbers do not tell: a clock can be set back or ahead.
CREATE INDEX event_by_time ON event (received, id);
