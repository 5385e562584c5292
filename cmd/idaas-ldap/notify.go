package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/notify"
)

type notifyCommand struct {
	configFlag
	Receiver string `placeholder:"NAME" help:"Only this one of notifications.receivers; all of them otherwise."`
}

// notifyWithin bounds what is tried with one receiver.
const notifyWithin = 2 * time.Minute

// Run sends a test message to each receiver, by the same code as the service.
func (c notifyCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	receivers, err := app.OpenReceivers(cfg, nil, dispatch.SystemClock{})
	if err != nil {
		return err //nolint:wrapcheck // It names the key and the file.
	}
	if c.Receiver != "" {
		names := make([]string, len(receivers))
		for i, r := range receivers {
			names[i] = r.Name
		}
		at := slices.Index(names, c.Receiver)
		if at < 0 {
			return usageError{fmt.Errorf("there is no receiver %s%s; look at notifications.receivers[].name", c.Receiver, didYouMean(c.Receiver, names))}
		}
		receivers = receivers[at : at+1]
	}
	if len(receivers) == 0 {
		return configError{errors.New("nobody is told: the configuration has no notifications.receivers (docs/notification.md)")}
	}
	failed := false
	for _, r := range receivers {
		if err := c.test(ctx, r, notify.Language(cfg.Notifications.Language)); err != nil {
			fmt.Fprintf(t.Err, "%s: %v\n", r.Name, err)
			failed = true
			continue
		}
		fmt.Fprintf(t.Out, "%s: the message was taken\n", r.Name)
	}
	if failed {
		return errReported
	}
	return nil
}

func (c notifyCommand) test(ctx context.Context, r app.Told, language notify.Language) error {
	ctx, cancel := context.WithTimeout(ctx, notifyWithin)
	defer cancel()
	message := notify.Message{
		News: notify.News{Kind: notify.Test, Subject: r.Name, Text: "This is what a message looks like."}, At: time.Now(), Instance: app.InstanceName(), Language: language,
	}
	if language == notify.Chinese {
		message.Text = "消息就是这个样子。"
	}
	return r.Sender().Send(ctx, message) //nolint:wrapcheck // It says what it does.
}
